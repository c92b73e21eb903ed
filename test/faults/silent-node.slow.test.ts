import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway-process.ts'
import { type RabbitCluster, type RabbitNode, rabbitCluster } from '../support/rabbitmq.ts'
import { Scene } from './scene.ts'

/** What is promised while the majority of the cluster is reachable, in milliseconds. */
const promisedBackMs = 10_000
/** The tests share two cores with others. */
const inHand = 1.5
const timeoutMs = 240_000

let cluster: RabbitCluster
/** The journal's leader is on the first one, the gateway under test begins on the second. */
let leader: RabbitNode
let seat: RabbitNode
let third: RabbitNode
let scene: Scene
const measured: string[] = []

beforeAll(async () => {
  cluster = await rabbitCluster('silent')
  ;[leader, seat, third] = cluster.nodes as [RabbitNode, RabbitNode, RabbitNode]
  // Makes the journal, whose leader is then on its node.
  const first = await startGateway({ env: { WARREN_BROKER_URL: leader.url() } })
  await first[Symbol.asyncDispose]()
}, timeoutMs)

afterEach(async () => {
  await scene?.[Symbol.asyncDispose]()
})

afterAll(async () => {
  await cluster?.remove()
  if (process.env['SHOW_MEASURED'] !== undefined) console.log(measured.join('\n'))
}, timeoutMs)

/** How long after the fault a message comes that was published after it. */
async function back(fault: () => unknown): Promise<number> {
  await fault()
  const at = Date.now()
  const before = scene.heard.length
  const last = () => scene.heard.at(-1)
  await pause(500)
  const held = scene.heard.length
  await eventually('delivery to go on', () => scene.heard.length > held + 3, { withinMs: 90_000, everyMs: 10 })
  void before
  void last
  return Date.now() - at
}

test(
  'the node of the gateway is frozen while another leads the journal',
  async () => {
    scene = await Scene.open(
      { WARREN_BROKER_URL: [seat, third, leader].map((node) => node.url()).join(',') },
      leader.url(),
      third.url(),
    )
    await pause(2_000)
    const took = await back(() => seat.freeze())
    measured.push(`frozen: ${took} ms`)
    await pause(3_000)
    console.log(scene.gateway.output())
    seat.thaw()
    await scene.account()
    expect(took).toBeLessThan(promisedBackMs * inHand)
  },
  timeoutMs,
)
