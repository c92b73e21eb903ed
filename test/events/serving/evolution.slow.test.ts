import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { ChannelModel, ConfirmChannel } from 'amqplib'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { channelQuery } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import type { Inbox } from '../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { eventClient, type Received } from './event-client.ts'

/** What the producer sent when this was written. Its later releases send more, other and wrong things. */
const sdl = `
type Subscription {
  order(id: ID): Order @events(exchange: "warren.events", routingKey: "client.*") @allow
  step: Step @events(exchange: "warren.events", routingKey: "client.*") @allow
  note: Note @events(exchange: "warren.events", routingKey: "client.*") @allow
}
enum Status { NEW @value(is: "new")  PAID @value(is: "paid") }
enum Known { NEW @value(is: "new")  OTHER @value(unknown: true) }
type Order { id: ID!  n: Int!  status: Status  known: Known @from(body: "/status") }
union Step = Placed | EventGap
type Placed @eventType(name: "order.placed") { n: Int! }
type Note { n: JSON! }
`
const perSecond = 1_000
const folder = newFolder()
let vhost: TestVhost
let backEnd: ChannelModel & AsyncDisposable
let channel: ConfirmChannel
let replicas: InProcessGateway[]

beforeAll(async () => {
  vhost = await testVhost('evolution')
  backEnd = await plainConnection(vhost.url)
  channel = await backEnd.createConfirmChannel()
  writeFileSync(join(folder, 'events.graphql'), sdl)
  const open = () => openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_SCHEMA: folder })
  replicas = [await open(), await open()]
  for (const { gateway } of replicas) await eventually('a gateway that is up', () => gateway.up)
})
afterAll(async () => {
  for (const replica of replicas ?? []) await replica.close()
  await backEnd?.[Symbol.asyncDispose]()
  await vhost?.close()
  removeFolder(folder)
})

/** Publishes the messages of a second as fast as RabbitMQ takes them, and waits for its confirms. */
async function aSecondOf(body: (n: number) => object, type = 'order.placed'): Promise<void> {
  for (let n = 0; n < perSecond; n += 1) {
    const content = Buffer.from(JSON.stringify(body(n)))
    channel.publish('warren.events', 'client.alice', content, { contentType: 'application/json', type })
  }
  await channel.waitForConfirms()
}

/** The member of each of the next `count` results. */
async function take(inbox: Inbox<Received>, field: string, count: number): Promise<Record<string, unknown>[]> {
  const values: Record<string, unknown>[] = []
  while (values.length < count) {
    const result = await inbox.next()
    if (!('data' in result) || result.errors) throw new Error(`${field}: ${JSON.stringify(result)}`)
    values.push(result.data?.[field] as Record<string, unknown>)
  }
  return values
}

const numbers = Array.from({ length: perSecond }, (_, n) => n)
const all = (values: readonly Record<string, unknown>[], member: string) => values.map((value) => value[member])

describe('a producer that changes, at 1,000 messages a second', () => {
  beforeEach(() => eventually('no subscription', () => replicas.every(({ gateway }) => gateway.hub.size === 0)))

  test.each([
    ['adds a member', (n: number) => ({ id: n, n, status: 'new', added: { x: [n] } }), ['NEW', 'NEW']],
    ['adds an enum value', (n: number) => ({ id: n, n, status: 'refunded' }), [null, 'OTHER']],
  ])('%s: every field gets every message', async (_what, body, [status, known]) => {
    const [one, two] = replicas as [InProcessGateway, InProcessGateway]
    await using first = await eventClient(one, 'alice')
    await using second = await eventClient(two, 'alice')
    const orders = [first, second].map((client) => client.listen('subscription { order { n status known } }'))
    const steps = second.listen('subscription { step { ... on Placed { n } } }')
    await eventually('the subscriptions', () => one.gateway.hub.size === 1 && two.gateway.hub.size === 2)
    await aSecondOf(body)
    for (const inbox of orders) {
      expect(await take(inbox, 'order', perSecond)).toEqual(numbers.map((n) => ({ n, status, known })))
    }
    expect(all(await take(steps, 'step', perSecond), 'n')).toEqual(numbers)
  })

  test('adds an event type: it is not of the union, and the other fields get it', async () => {
    const [one] = replicas as [InProcessGateway]
    await using client = await eventClient(one, 'alice')
    const steps = client.listen('subscription { step { ... on Placed { n } } }')
    const orders = client.listen('subscription { order { n } }')
    await eventually('the subscriptions', () => one.gateway.hub.size === 2)
    await aSecondOf((n) => ({ id: n, n, status: 'new' }), 'order.archived')
    await aSecondOf((n) => ({ id: n, n: n + perSecond, status: 'new' }))
    expect(all(await take(steps, 'step', perSecond), 'n')).toEqual(numbers.map((n) => n + perSecond))
    expect(await take(orders, 'order', 2 * perSecond)).toHaveLength(2 * perSecond)
  })

  test('is wrong in every message: its field misses them, the others and the channel do not, and the quarantine is bounded', async () => {
    const [one, two] = replicas as [InProcessGateway, InProcessGateway]
    await using client = await eventClient(one, 'alice')
    await using other = await eventClient(two, 'alice')
    const orders = client.listen('subscription { order { n } }')
    const elsewhere = other.listen('subscription { order(id: 7) { n } }')
    const notes = client.listen('subscription { note { n } }')
    const events = other.listen(channelQuery, { clientId: 'alice' })
    await eventually('the subscriptions', () => one.gateway.hub.size === 2 && two.gateway.hub.size === 2)
    await aSecondOf((n) => ({ id: 7, n: String(n) }))
    await aSecondOf((n) => ({ id: 7, n: n + 0.5 }))
    await aSecondOf((n) => ({ id: 7, n }))
    for (const inbox of [orders, elsewhere]) expect(all(await take(inbox, 'order', perSecond), 'n')).toEqual(numbers)
    const texts = [...numbers.map(String), ...numbers.map((n) => n + 0.5), ...numbers]
    expect(all(await take(notes, 'note', 3 * perSecond), 'n')).toEqual(texts)
    const data = all(await take(events, 'channel', 3 * perSecond), 'data') as { n: unknown }[]
    expect(data.map(({ n }) => n)).toEqual(texts)
    // One copy for both replicas, and at most 60 a minute for a field and a pointer.
    const quarantined = await eventually('copies', async () => {
      const { messageCount } = await channel.checkQueue('warren.quarantine')
      return messageCount > 0 && messageCount
    })
    expect(quarantined).toBeLessThanOrEqual(2 * 60)
    for (const { gateway } of replicas) expect(gateway.up).toBe(true)
  })
})
