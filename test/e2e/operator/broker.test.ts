import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { operator } from '../../core/controlled-gateway.ts'
import { eventually } from '../../support/eventually.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
beforeAll(async () => {
  replicas = await openTwoReplicas('broker-details')
})
afterAll(async () => replicas[Symbol.asyncDispose]())

interface Broker {
  readonly up: boolean
  readonly quarantined: number
  readonly nodes: readonly { readonly address: string; readonly connections: number }[]
  readonly journal: {
    readonly firstOffset: number
    readonly lastOffset: number
    readonly oldestNeeded: number | null
    readonly entriesLeft: number | null
  }
}
const query = `{ broker {
  up quarantined nodes { address connections product version cluster }
  journal { firstOffset lastOffset oldestNeeded entriesLeft retention { maxAgeMs maxBytes } }
} }`

test('names the nodes that the replicas are connected to, as the nodes describe themselves', async () => {
  const { port } = new URL(replicas.vhost.url)
  const address = `127.0.0.1:${port}`
  const { broker } = await replicas.observer<{ broker: Broker }>(query)
  expect(broker).toMatchObject({
    up: true,
    quarantined: 0,
    nodes: [
      {
        address,
        product: 'RabbitMQ',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        cluster: expect.stringContaining('@'),
      },
    ],
    journal: {
      oldestNeeded: null,
      entriesLeft: null,
      retention: { maxAgeMs: 86_400_000, maxBytes: expect.any(Number) },
    },
  })
  const { replicas: each } = await replicas.observer<{
    replicas: { brokerNodes: { address: string; connections: number }[] }[]
  }>('{ replicas { brokerNodes { address connections } } }')
  expect(each.map(({ brokerNodes }) => brokerNodes.map((node) => node.address))).toEqual([[address], [address]])
  // Of each replica: publishing, administration, control, and the tail.
  for (const { brokerNodes } of each) expect(brokerNodes[0]?.connections).toBeGreaterThanOrEqual(4)
})

test('reports how much retention may remove before the slowest client misses something', async () => {
  const { a, b, observer, vhost } = replicas
  const session = b.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  // Its client takes nothing.
  const subscription = session.subscribe({ clientId: 'slow' })
  await eventually('the subscription', () => b.gateway.hub.countOf('slow') === 1)
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  for (let n = 0; n < 1_100; n += 1) channel.publish('warren.events', 'client.slow', Buffer.from(String(n)))
  await channel.waitForConfirms()
  await connection.close()
  await eventually('the subscription to fall behind', () => subscription.behind)
  expect(a.gateway.up).toBe(true)
  const { broker } = await observer<{ broker: Broker }>(query)
  const { firstOffset, lastOffset, oldestNeeded, entriesLeft } = broker.journal
  expect(oldestNeeded).toBeGreaterThan(firstOffset)
  expect(oldestNeeded).toBeLessThan(lastOffset)
  expect(entriesLeft).toBe(oldestNeeded! - firstOffset)
  await subscription.return()
  const { broker: after } = await observer<{ broker: Broker }>(query)
  expect(after.journal.oldestNeeded).toBeNull()
})
