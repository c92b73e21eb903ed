import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { type RabbitCluster, type RabbitNode, rabbitCluster } from '../support/rabbitmq/broker.ts'
import { streamReplicas } from '../support/rabbitmq/stream-replicas.ts'
import { Scene } from './scene.ts'

let cluster: RabbitCluster
let scene: Scene
const measured: string[] = []

const journal = 'warren.journal'

beforeAll(async () => {
  cluster = await rabbitCluster('trio')
  const urls = cluster.nodes.map((node) => node.url())
  scene = await Scene.open({ WARREN_BROKER_URL: cluster.url() }, ...urls)
})

afterAll(async () => {
  await scene?.[Symbol.asyncDispose]()
  await cluster?.remove()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
})

function journalAt(node: RabbitNode) {
  return streamReplicas(node, journal)
}

/** The node that the gateway tails from. */
async function tailNode(): Promise<RabbitNode> {
  const [first] = cluster.nodes
  const text = await first?.ctl(
    'eval',
    `[io:format("~s~n", [node(proplists:get_value(pid, I))]) || I <- rabbit_networking:connection_info_all([pid, client_properties]),
      string:find(io_lib:format("~p", [I]), "warren tail") =/= nomatch], listed.`,
  )
  return named(text?.split('\n')[0] ?? '')
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
  await eventually('the journal to have its three replicas', whole, { everyMs: 500 })
  await scene.account()
  expect(scene.gaps).toEqual([])
}

test('the journal is kept on every node', async () => {
  expect((await journalAt(await tailNode())).online.toSorted()).toEqual(
    cluster.nodes.map(({ nodeName }) => nodeName).toSorted(),
  )
})

test('the node that the gateway tails from is killed, and nothing is lost', async () => {
  await loseNode(await tailNode())
})

test('the node that leads the stream is killed, and nothing is lost', async () => {
  const { leader } = await journalAt(await tailNode())
  await loseNode(named(leader))
})
