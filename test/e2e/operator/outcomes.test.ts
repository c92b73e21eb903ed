import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { type MessageOutcome, messageOutcomes } from '../../../src/core/accounting/labels.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf, listen } from '../back-end/graphql-caller.ts'

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

test('the trace of a message and the counters agree on every outcome', async () => {
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
      const fates: string[] = []
      for (const outcome of messageOutcomes) {
        const { trace } = await call<{ trace: { messages: { fate: string; explanation: string }[] }[] }>(
          `{ trace(messageId: "id-${outcome}") { messages { fate explanation } } }`,
        )
        for (const { fate, explanation } of trace[0]?.messages ?? []) {
          expect(explanation).not.toBe('')
          fates.push(fate.toLowerCase())
        }
      }
      return fates.length === messageOutcomes.length && fates
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
