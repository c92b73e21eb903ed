import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from '@jest/globals'
import amqp from 'amqplib'
import {
  type DropReason,
  dropReasons,
  type MessageOutcome,
  messageOutcomes,
  type QuarantineReason,
  quarantineReasons,
} from '../../../src/core/accounting/labels.ts'
import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'
import { operator } from '../../core/controlled-gateway.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, callerOf, listen } from '../back-end/graphql-caller.ts'

const sdl = `
  type Order { id: ID!  total: Int! }
  type Subscription {
    orderChanged: Order @events(exchange: "orders", routingKey: "order.#") @only(body: "/kind", in: ["order"])
  }
`

/** A message for each outcome. `orders` is an exchange of the schema only. */
const messages: Record<MessageOutcome, { exchange: string; key: string; body: string }> = {
  delivered: { exchange: 'warren.events', key: 'client.alice', body: '1' },
  no_subscriber: { exchange: 'warren.events', key: 'client.bob', body: '1' },
  unmatched: { exchange: 'chats', key: '', body: '{"to":[]}' },
  repeated: { exchange: 'warren.events', key: 'client.alice', body: '1' },
  quarantined: { exchange: 'warren.events', key: 'client.alice', body: '{' },
  filtered: { exchange: 'orders', key: 'order.1', body: '{"id":"1","total":1,"kind":"other"}' },
  invalid: { exchange: 'orders', key: 'order.1', body: '{"id":"1","total":"x","kind":"order"}' },
}

const json = { contentType: 'application/json' }
const everyLabelOf = (cases: Readonly<Record<string, unknown>>, labels: readonly string[]): void =>
  expect(Object.keys(cases).toSorted()).toEqual(labels.toSorted())

interface Poison {
  readonly exchange: string
  readonly key: string
  readonly body: Buffer
  readonly properties: amqp.Options.Publish
  /** What the trace has; undefined if the message is not in the journal. */
  readonly traced?: { readonly outcome: string; readonly reason: QuarantineReason | null }
}

const undecodable = (reason: QuarantineReason, body: Buffer, contentEncoding?: string): Poison => ({
  exchange: 'warren.events',
  key: 'client.alice',
  body,
  properties: { ...json, ...(contentEncoding === undefined ? {} : { contentEncoding }) },
  traced: { outcome: 'QUARANTINED', reason },
})

/** A message for each reason of the quarantine. */
const poison: Record<QuarantineReason, Poison> = {
  'broken-json': undecodable('broken-json', Buffer.from('{')),
  'unknown-encoding': undecodable('unknown-encoding', Buffer.from('{}'), 'unheard-of'),
  'broken-encoding': undecodable('broken-encoding', Buffer.from('{}'), 'gzip'),
  'too-large': undecodable('too-large', gzipSync(Buffer.from(`"${'x'.repeat(100_000)}"`)), 'gzip'),
  'too-deep': undecodable('too-deep', Buffer.from('['.repeat(5_000) + ']'.repeat(5_000))),
  // Its headers fill a frame, and those that the journal needs do not fit.
  refused: {
    exchange: 'waiting',
    key: 'alice',
    body: Buffer.from('1'),
    properties: { ...json, headers: { large: 'x'.repeat(65_515) } },
  },
  schema: {
    exchange: 'orders',
    key: 'order.1',
    body: Buffer.from('{"id":"1","total":"x","kind":"order"}'),
    properties: json,
    traced: { outcome: 'INVALID', reason: 'schema' },
  },
}

/** The value of a counter by the values of one label, from the text of `/metrics`. */
async function countedBy(gateway: InProcessGateway, metric: string, label: string): Promise<Map<string, number>> {
  const counted = new Map<string, number>()
  for (const [, labels = '', value] of (await gateway.metrics()).matchAll(
    new RegExp(`^${metric}\\{(.*)\\} (.*)$`, 'gm'),
  )) {
    const [, name = ''] = new RegExp(`${label}="([^"]*)"`).exec(labels) ?? []
    counted.set(name, (counted.get(name) ?? 0) + Number(value))
  }
  return counted
}

interface Traced {
  readonly outcome: string
  readonly reason: string | null
  readonly matched: number
  readonly delivered: number
  readonly dropped: number
  readonly pending: number
}

async function tracedBy(call: Call, messageId: string): Promise<Traced | undefined> {
  const { trace } = await call<{ trace: { messages: Traced[] }[] }>(
    `{ trace(messageId: "${messageId}") { messages { outcome reason matched delivered dropped pending } } }`,
  )
  return trace[0]?.messages[0]
}

test('the trace of a message and the counters agree on every reason of the quarantine', async () => {
  everyLabelOf(poison, quarantineReasons)
  const vhost = await testVhost('reasons')
  const folder = newFolder()
  const schema = join(folder, 'events.graphql')
  writeFileSync(schema, sdl)
  const gateway = await openGateway({
    WARREN_BROKER_URL: vhost.url,
    WARREN_SCHEMA: schema,
    WARREN_MAX_DECODED_BYTES: '64KiB',
  })
  const connection = await amqp.connect(`${vhost.url}?frameMax=131072`)
  try {
    const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    const create = 'mutation C($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }'
    await call(create, {
      input: { exchange: 'waiting', exchangeType: 'TOPIC', routingKey: '{clientId}', buffered: true },
    })
    // A message without a subscriber is not decoded.
    await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), {
      clientId: 'alice',
    })
    await using client = await connectGraphql(gateway.graphqlSocketUrl, {
      connectionParams: { token: gateway.operatorToken },
    })
    client.subscribe('subscription { orderChanged { id } }')
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    const channel = await connection.createConfirmChannel()
    for (const reason of quarantineReasons) {
      const { exchange, key, body, properties, traced } = poison[reason]
      channel.publish(exchange, key, body, { ...properties, messageId: reason })
      await channel.waitForConfirms()
      const counted = await eventually(`${reason} to be counted`, async () => {
        const values = await countedBy(gateway, 'warren_messages_quarantined_total', 'reason')
        return (values.get(reason) ?? 0) > 0 && values
      })
      expect([...counted].filter(([, value]) => value > 0).map(([name]) => name)).toEqual(
        quarantineReasons.slice(0, quarantineReasons.indexOf(reason) + 1),
      )
      const found = await tracedBy(call, reason)
      expect(found && { outcome: found.outcome, reason: found.reason }).toEqual(traced)
    }
    channel.publish('warren.events', 'client.alice', Buffer.from('1'), json)
    expect(await alice.next()).toMatchObject({ data: 1 })
  } finally {
    await connection.close()
    await gateway.close()
    await vhost.close()
    removeFolder(folder)
  }
})

/** How a subscription drops the first of its messages if its client takes nothing. */
const drops: Record<DropReason, { overflow: OverflowPolicy; messages: number }> = {
  ended: { overflow: 'CATCH_UP', messages: 1 },
  conflated: { overflow: 'CONFLATE', messages: 2 },
  overflow: { overflow: 'DROP_OLDEST', messages: 1_100 },
}

test('the trace of a message and the counters agree on every reason to drop it', async () => {
  everyLabelOf(drops, dropReasons)
  await using gateway = await openGateway({ WARREN_OVERFLOW: 'CATCH_UP,CONFLATE,DROP_OLDEST' })
  const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  const session = gateway.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
  for (const reason of dropReasons) {
    const { overflow, messages } = drops[reason]
    const subscription = session.subscribe({ clientId: reason, overflow })
    await eventually('the subscription', () => gateway.gateway.hub.countOf(reason) === 1)
    const before = await countedBy(gateway, 'warren_events_dropped_total', 'reason')
    for (let sent = 0; sent < messages; sent += 1) {
      const body = Buffer.from(String(sent))
      await gateway.gateway.publish({
        exchange: 'warren.events',
        routingKey: `client.${reason}`,
        body,
        properties: { ...json, messageId: `${reason} ${sent}` },
      })
    }
    const waiting = await eventually('the message', async () => {
      const traced = await tracedBy(call, `${reason} 0`)
      return traced?.matched === 1 && traced
    })
    if (reason === 'ended') {
      expect(waiting).toMatchObject({ delivered: 0, dropped: 0, pending: 1 })
      // Its client is gone.
      await subscription.return()
    }
    const traced = await eventually(`the drop: ${reason}`, async () => {
      const found = await tracedBy(call, `${reason} 0`)
      return found?.dropped === 1 && found
    })
    expect(traced).toMatchObject({ outcome: 'DELIVERED', matched: 1, delivered: 0, dropped: 1, pending: 0 })
    const after = await countedBy(gateway, 'warren_events_dropped_total', 'reason')
    const changed = dropReasons.filter((one) => (after.get(one) ?? 0) > (before.get(one) ?? 0))
    expect(changed).toEqual([reason])
    subscription.end()
  }
})

test('the trace of a message and the counters agree on every outcome', async () => {
  everyLabelOf(messages, messageOutcomes)
  const vhost = await testVhost('outcomes')
  const folder = newFolder()
  const schema = join(folder, 'events.graphql')
  writeFileSync(schema, sdl)
  const gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_SCHEMA: schema })
  const connection = await amqp.connect(vhost.url)
  try {
    const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    const create = 'mutation C($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }'
    await call(create, { input: { exchange: 'chats', exchangeType: 'FANOUT', clientId: { bodyPointer: '/to' } } })
    await using alice = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), {
      clientId: 'alice',
    })
    await eventually('the subscription', () => gateway.gateway.hub.countOf('alice') === 1)
    await using client = await connectGraphql(gateway.graphqlSocketUrl, {
      connectionParams: { token: gateway.operatorToken },
    })
    // A field without a subscription excludes nothing.
    client.subscribe('subscription { orderChanged { id } }')
    await eventually('the subscription to the field', () => gateway.gateway.hub.size === 2)
    const totals = async (): Promise<Map<string, number>> => {
      const stats = client.subscribe('subscription { gatewayStats { byOutcome { outcome total } } }')
      const { data } = await stats.next()
      stats.stop()
      const { byOutcome } = data!['gatewayStats'] as { byOutcome: { outcome: string; total: number }[] }
      return new Map(byOutcome.map(({ outcome, total }) => [outcome.toLowerCase(), total]))
    }
    const before = await totals()
    const channel = await connection.createConfirmChannel()
    for (const outcome of messageOutcomes) {
      const { exchange, key, body } = messages[outcome]
      // A repeat has the idempotency key of the message that it repeats.
      const repeats = outcome === 'repeated' || outcome === 'delivered'
      const headers = repeats ? { 'x-warren-idempotency-key': 'k' } : {}
      const contentType = 'application/json'
      const properties = { contentType, messageId: `id-${outcome}`, headers }
      channel.publish(exchange, key, Buffer.from(body), properties)
      await channel.waitForConfirms()
    }
    await alice.next()
    const traced = await eventually('the traces', async () => {
      const outcomes: string[] = []
      for (const outcome of messageOutcomes) {
        const { trace } = await call<{ trace: { messages: { outcome: string; explanation: string }[] }[] }>(
          `{ trace(messageId: "id-${outcome}") { messages { outcome explanation } } }`,
        )
        for (const { outcome, explanation } of trace[0]?.messages ?? []) {
          expect(explanation).not.toBe('')
          outcomes.push(outcome.toLowerCase())
        }
      }
      return outcomes.length === messageOutcomes.length && outcomes
    })
    const after = await totals()
    const counted = messageOutcomes.flatMap((outcome) =>
      Array.from({ length: (after.get(outcome) ?? 0) - (before.get(outcome) ?? 0) }, () => outcome),
    )
    expect(traced).toEqual(messageOutcomes)
    expect(counted).toEqual(messageOutcomes)
  } finally {
    await connection.close()
    await gateway.close()
    await vhost.close()
    removeFolder(folder)
  }
})
