import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { type RabbitCluster, type RabbitNode, rabbitCluster } from '../support/rabbitmq.ts'
import { Scene } from './scene.ts'

let cluster: RabbitCluster
let scene: Scene
const measured: string[] = []

const journal = 'warren.journal'
const timeoutMs = 180_000

beforeAll(async () => {
  cluster = await rabbitCluster('trio')
  const urls = cluster.nodes.map((node) => node.url())
  scene = await Scene.open({ WARREN_BROKER_URL: cluster.url() }, ...urls)
}, timeoutMs)

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]()
  await cluster?.remove()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
}, timeoutMs)

interface Journal {
  readonly name: string
  readonly leader: string
  readonly online: readonly string[]
}

/** As the cluster lists it. */
async function journalAt(node: RabbitNode): Promise<Journal> {
  const queues = JSON.parse(
    await node.ctl('list_queues', 'name', 'leader', 'online', '--formatter', 'json'),
  ) as Journal[]
  const found = queues.find(({ name }) => name === journal)
  if (!found) throw new Error(`${journal} is not listed`)
  return found
}

/** The node that the gateway tails from. */
async function tailNode(): Promise<RabbitNode> {
  const [first] = cluster.nodes
  const text = (await first?.ctl('list_connections', 'pid', 'client_properties')) ?? ''
  const line = text.split('\n').find((one) => one.includes('warren tail')) ?? ''
  // An Erlang process id as the command line prints it: <node.creation.number.serial>.
  return named(/^<(.+?)\.\d+\.\d+\.\d+>/.exec(line)?.[1] ?? line)
}

function named(name: string): RabbitNode {
  const node = cluster.nodes.find(({ nodeName }) => name === nodeName)
  if (!node) throw new Error(`no node is called "${name}"`)
  return node
}

function other(than: RabbitNode): RabbitNode {
  return cluster.nodes.find((node) => node !== than) as RabbitNode
}

async function loseNode(node: RabbitNode): Promise<void> {
  await node.kill()
  const back = await scene.back(Date.now())
  await scene.account()
  measured.push(`${expect.getState().currentTestName}: back after ${back} ms`)
  await node.start()
  const whole = async () => (await journalAt(other(node))).online.length === 3
  await eventually('the journal to have its three replicas', whole, { withinMs: 60_000, everyMs: 500 })
  await scene.account()
  expect(scene.gaps).toEqual([])
}

test(
  'the journal is kept on every node',
  async () => {
    expect((await journalAt(await tailNode())).online.toSorted()).toEqual(
      cluster.nodes.map(({ nodeName }) => nodeName).toSorted(),
    )
  },
  timeoutMs,
)

test(
  'the node that the gateway tails from is killed, and nothing is lost',
  async () => {
    await loseNode(await tailNode())
  },
  timeoutMs,
)

test(
  'the node that leads the stream is killed, and nothing is lost',
  async () => {
    const { leader } = await journalAt(await tailNode())
    await loseNode(named(leader))
  },
  timeoutMs,
)
