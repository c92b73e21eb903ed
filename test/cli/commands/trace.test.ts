import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel } from 'amqplib'
import { callerOf } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testToken } from '../../support/gateway/gateway-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

let vhost: TestVhost
let one: ReachableGateway
let other: ReachableGateway
let alice: GraphqlClient
let back: ChannelModel
let operator: string
beforeAll(async () => {
  vhost = await testVhost('trace')
  operator = await testToken({ scope: 'operator' })
  const env = { WARREN_BROKER_URL: vhost.url }
  ;[one, other] = await Promise.all([openReachable(env), openReachable(env)])
  alice = await connectGraphql(one.graphqlSocketUrl, { connectionParams: { token: await testToken({ sub: 'alice' }) } })
  const subscription = 'subscription { channel(clientId: "alice", checkpoints: true) { kind messageId } }'
  await Promise.all([alice.subscribe(subscription).next(), alice.subscribe(subscription).next()])
  back = await amqp.connect(vhost.url)
})
afterAll(async () => {
  await back?.close()
  await alice?.[Symbol.asyncDispose]()
  await Promise.all([one?.[Symbol.asyncDispose](), other?.[Symbol.asyncDispose]()])
  await vhost?.close()
})

interface Traced {
  readonly outcome: string | null
  readonly [name: string]: unknown
}

/** By replica, when each of them has read the message. */
async function trace(messageId: string): Promise<Map<string, Traced[]>> {
  const query = async () => {
    const { stdout } = await runCommand(['trace', '--json', messageId], one.env)
    const replicas = JSON.parse(stdout) as { replica: string; messages: Traced[] }[]
    const seen = replicas.length === 2 && replicas.every(({ messages }) => messages.length > 0)
    return seen ? new Map(replicas.map(({ replica, messages }) => [replica, messages])) : undefined
  }
  return eventually(`${messageId} on both replicas`, query)
}

async function send(exchange: string, key: string, body: string, options: amqp.Options.Publish): Promise<void> {
  const channel = await back.createConfirmChannel()
  channel.publish(exchange, key, Buffer.from(body), { contentType: 'application/json', ...options })
  await channel.waitForConfirms()
  await channel.close()
}

const traceOn = (replicas: Map<string, Traced[]>, { port }: ReachableGateway): Traced[] =>
  [...replicas].find(([replica]) => replica.endsWith(`:${port}`))?.[1] ?? []

describe('warren trace', () => {
  test('prints for each replica to how many subscriptions a message was delivered, or that it had no subscriber', async () => {
    await send('warren.events', 'client.alice', '{"order":17}', { messageId: 'order-17' })
    const replicas = await trace('order-17')
    expect(traceOn(replicas, one)).toEqual([
      expect.objectContaining({
        outcome: 'DELIVERED',
        exchange: 'warren.events',
        routingKey: 'client.alice',
        clients: ['alice'],
        clientCount: 1,
        matched: 2,
        delivered: 2,
        dropped: 0,
      }),
    ])
    expect(traceOn(replicas, other)).toEqual([
      expect.objectContaining({ outcome: 'NO_SUBSCRIBER', clients: ['alice'], matched: 0 }),
    ])

    const { code, stdout } = await runWarren(['trace', 'order-17'], other.env)
    expect(code).toBe(0)
    expect(stdout).toMatch(/through "warren\.events" with key "client\.alice"\n {4}for alice, by source [0-9a-f]{32}\n/)
    expect(stdout).toContain('matched 2 subscriptions: 2 delivered, 0 dropped, 0 waiting')
    expect(stdout).toContain('NO_SUBSCRIBER: no client was subscribed here')
  })

  test('counts replays too', async () => {
    await send('warren.events', 'client.bob', '1', { messageId: 'while-bob-was-away' })
    await trace('while-bob-was-away')
    const { history } = await callerOf(
      one.graphqlUrl,
      operator,
    )<{ history: { cursor: string } }>('{ history(clientId: "alice", first: 1) { cursor } }')
    await using bob = await connectGraphql(other.graphqlSocketUrl, { connectionParams: { token: operator } })
    const events = bob.subscribe(
      'subscription ($after: Cursor) { channel(clientId: "bob", after: $after) { messageId } }',
      {
        after: history.cursor,
      },
    )
    expect(await events.next()).toEqual({ data: { channel: { messageId: 'while-bob-was-away' } } })
    expect(traceOn(await trace('while-bob-was-away'), other)).toEqual([
      expect.objectContaining({ outcome: 'NO_SUBSCRIBER', matched: 1, delivered: 1 }),
    ])
  })

  test('prints why a message was not delivered: poison, a repeat, no client', async () => {
    await send('warren.events', 'client.alice', '{', { messageId: 'broken' })
    expect(traceOn(await trace('broken'), one)).toEqual([
      expect.objectContaining({ outcome: 'QUARANTINED', reason: 'broken-json' }),
    ])

    const headers = { 'x-warren-idempotency-key': 'once' }
    await send('warren.events', 'client.alice', '1', { messageId: 'twice', headers })
    await send('warren.events', 'client.alice', '1', { messageId: 'twice', headers })
    await eventually('both replicas', async () => traceOn(await trace('twice'), one).length === 2)
    expect(traceOn(await trace('twice'), one).map(({ outcome }) => outcome)).toEqual(['DELIVERED', 'REPEATED'])

    await callerOf(
      one.graphqlUrl,
      operator,
    )(
      'mutation { createRabbitChannel(input: { exchange: "orders", exchangeType: FANOUT, routingKey: "#", clientId: { header: "customer" } }) { id } }',
    )
    await send('orders', '', '1', { messageId: 'unmatched' })
    expect(traceOn(await trace('unmatched'), one)).toEqual([
      expect.objectContaining({ outcome: 'UNMATCHED', sources: [] }),
    ])
  })

  test('exits with 1 if no replica knows the id, and prints how far back they remember', async () => {
    const { code, stdout, stderr } = await runCommand(['trace', 'never-sent'], one.env)
    expect(code).toBe(1)
    expect(stdout.match(/not seen; it remembers since \d{4}-/g)).toHaveLength(2)
    expect(stderr).toMatch(/^no replica knows this id: /)
  })

  test('is for operators only', async () => {
    const token = await testToken({ sub: 'alice' })
    const { code, stderr } = await runCommand(['trace', 'order-17', '--token', token], one.env)
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^FORBIDDEN: /) })
  })
})
