import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type Call, callerOf, publish } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { transports } from '../every-transport.ts'
import {
  type Listening,
  type ListenRequest,
  type ReceivedEvent,
  sdl,
  type TransportAdapter,
  type Under,
} from './adapter.ts'
import { router } from './callback.ts'

/** What a subscription is to: the channel of a client, or a typed field. */
const subjects = [
  ['a channel', false],
  ['a typed field', true],
] as const

const folder = newFolder()
const maxOfClient = 6
const maxBufferedBytes = 64 * 1024

let vhost: TestVhost
let under: Under
let call: Call

async function open(): Promise<Under> {
  const tcpPort = await freePort()
  const gateway = await openGateway({
    WARREN_BROKER_URL: vhost.url,
    WARREN_SCHEMA: folder,
    WARREN_TCP_PORT: String(tcpPort),
    WARREN_AUTH_TIMEOUT: '2s',
    WARREN_MAX_CLIENT_SUBSCRIPTIONS: String(maxOfClient),
    WARREN_CALLBACK_URLS: router.url,
    WARREN_MAX_BUFFERED_BYTES: String(maxBufferedBytes),
  })
  await eventually('the gateway to be up', () => gateway.gateway.up, { withinMs: 30_000 })
  return { gateway, tcpPort }
}

beforeAll(async () => {
  writeFileSync(join(folder, 'events.graphql'), sdl)
  vhost = await testVhost('transports')
  await router.open()
  under = await open()
  call = callerOf(under.gateway.graphqlUrl, under.gateway.operatorToken)
})
afterAll(async () => {
  await under?.gateway.close()
  await vhost?.close()
  router.close()
  removeFolder(folder)
})

/**
 * The current position in the journal. With it as `after` the test misses nothing, even if the
 * transport does not acknowledge a subscription.
 */
async function now(): Promise<string> {
  const { history } = await call<{ history: { cursor: string } }>(
    '{ history(clientId: "unused", first: 1) { cursor } }',
  )
  return history.cursor
}

const publishTo = (channel: string, data: unknown, typed = false) =>
  call(publish, {
    input: typed
      ? { exchange: 'items', routingKey: 'x', data, headers: { 'x-client': channel } }
      : { clientId: channel, data },
  })

async function take(listening: Listening, count: number, withinMs = 15_000): Promise<ReceivedEvent[]> {
  const received: ReceivedEvent[] = []
  while (received.length < count) received.push(await listening.events.next(withinMs))
  return received
}

const dataOf = (received: readonly ReceivedEvent[]) => received.map(({ data }) => data)

async function asClient(channel: string, typed = false): Promise<ListenRequest> {
  return { channel, token: await under.gateway.clientToken(channel), after: await now(), typed }
}

const sessionsOf = ({ name }: TransportAdapter, of: Under = under) =>
  [...of.gateway.gateway.sessions].filter(({ transport }) => transport === name)

const labelOf = ({ name, mode }: TransportAdapter) => (mode === undefined ? name : `${name}-${mode}`)

const each = transports.flatMap((transport) =>
  subjects.map(([subject, typed]) => [labelOf(transport), subject, { transport, typed }] as const),
)

describe.each(each)('over %s, %s', (transportName, _subject, { transport, typed }) => {
  const name = `${transportName}${typed ? '-typed' : ''}`
  const send = (channel: string, data: unknown) => publishTo(channel, data, typed)
  const as = (channel: string) => asClient(channel, typed)

  test('a subscriber receives each message once, in order, unchanged', async () => {
    const all: unknown[] = [{ a: [1, null, 'ß𝄞'] }, 'text', 0, false, '', 'x'.repeat(100_000), { toString: 'x' }, []]
    await using listening = await transport.listen(under, await as(`${name}-order`))
    for (const data of all) await send(`${name}-order`, data)
    const received = await take(listening, all.length)
    expect(dataOf(received)).toEqual(all)
    expect(new Set(received.map(({ cursor }) => cursor)).size).toBe(all.length)
  })

  test.each([
    ['an anonymous client', async () => undefined, 'UNAUTHENTICATED'],
    ['another client', () => under.gateway.clientToken('somebody'), 'FORBIDDEN'],
    ['a publisher', async () => under.gateway.publisherToken, 'FORBIDDEN'],
  ])('%s may not subscribe to a channel', async (_who, token, code) => {
    const requested = { channel: `${name}-secret`, token: await token(), typed }
    // A connection that needs a token itself waits this long for one.
    await using listening = await transport.listen(under, requested)
    await expect(listening.events.next(15_000)).rejects.toMatchObject({ code })
  })

  test('an operator, and a client with the channel in its scope, may subscribe', async () => {
    const { after } = await as(`${name}-open`)
    await using listening = await transport.listen(under, {
      channel: `${name}-open`,
      token: under.gateway.operatorToken,
      after,
      typed,
    })
    await send(`${name}-open`, 1)
    expect(dataOf(await take(listening, 1))).toEqual([1])
  })

  test('exceeding a limit is answered, and does not affect clients within it', async () => {
    const requested = await as(`${name}-limit`)
    const within = await Promise.all(Array.from({ length: maxOfClient }, () => transport.listen(under, requested)))
    await send(`${name}-limit`, 1)
    for (const listening of within) expect(dataOf(await take(listening, 1))).toEqual([1])
    await using beyond = await transport.listen(under, requested)
    await expect(beyond.events.next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    await send(`${name}-limit`, 2)
    for (const listening of within) expect(dataOf(await take(listening, 1))).toEqual([2])
    await Promise.all(within.map((listening) => listening[Symbol.asyncDispose]()))
  })

  test('an invalid cursor yields a gap', async () => {
    await using listening = await transport.listen(under, { ...(await as(`${name}-gap`)), after: 'none' })
    expect((await listening.events.next()).kind).toBe('GAP')
  })

  test('a peer that does not read delays no other, holds no more than its limit, and receives everything in the end', async () => {
    const requested = await as(`${name}-slow`)
    await using slow = await transport.listen(under, requested)
    await using quick = await transport.listen(under, requested)
    await send(`${name}-slow`, 'first')
    await Promise.all([slow, quick].map((listening) => take(listening, 1)))
    slow.pause()
    const count = 60
    const text = 'x'.repeat(200_000)
    for (let n = 0; n < count; n += 1) {
      await send(`${name}-slow`, n % 2 === 0 ? n : `${n}${text}`)
      await take(quick, 1)
    }
    for (const session of sessionsOf(transport))
      expect(session.bufferedBytes).toBeLessThan(maxBufferedBytes + text.length + 1_000)
    slow.resume()
    const received = dataOf(await take(slow, count)).map((data) => Number.parseInt(String(data), 10))
    expect(received).toEqual(Array.from({ length: count }, (_, n) => n))
  })

  test('a peer that violates the protocol is answered or cut off, and no other', async () => {
    await using listening = await transport.listen(under, await as(`${name}-neighbour`))
    await transport.misbehave(under)
    await send(`${name}-neighbour`, 'still here')
    expect(dataOf(await take(listening, 1))).toEqual(['still here'])
  })

  test('a revoked client is not asked to reconnect', async () => {
    await using listening = await transport.listen(under, await as(`${name}-revoked`))
    await send(`${name}-revoked`, 1)
    await take(listening, 1)
    await call('mutation R($clientId: ID!) { revoke(clientId: $clientId) }', { clientId: `${name}-revoked` })
    expect(await listening.closed).toEqual({ reconnects: false })
  })

  test('a disconnected client is forgotten', async () => {
    const before = sessionsOf(transport).length
    const listening = await transport.listen(under, await as(`${name}-gone`))
    await eventually('its session', () => sessionsOf(transport).length === before + 1)
    await listening[Symbol.asyncDispose]()
    await eventually('its session to be gone', () => sessionsOf(transport).length === before)
  })
})

test('one channel over every transport at once: each message once, in the same order; a cursor of one resumes on another', async () => {
  // More subscriptions at once than this suite's limit for one client.
  const requested = { ...(await asClient('together')), token: under.gateway.operatorToken }
  const all = await Promise.all(transports.map((transport) => transport.listen(under, requested)))
  for (let n = 0; n < 30; n += 1) await publishTo('together', { n })
  const received = await Promise.all(all.map((listening) => take(listening, 30)))
  const cursors = received.map((events) => events.map(({ cursor }) => cursor))
  for (const [place, events] of received.entries()) {
    expect(dataOf(events)).toEqual(Array.from({ length: 30 }, (_, n) => ({ n })))
    expect(cursors[place]).toEqual(cursors[0])
  }
  await Promise.all(all.map((listening) => listening[Symbol.asyncDispose]()))
  for (const [from, events] of received.entries()) {
    for (const transport of transports) {
      const place = 5 + from
      await using again = await transport.listen(under, { ...requested, after: events[place]?.cursor })
      expect(dataOf(await take(again, 29 - place))).toEqual(dataOf(events.slice(place + 1)))
    }
  }
})

test('at its shutdown a gateway asks all clients to reconnect, and they miss nothing on another one', async () => {
  const ending = await open()
  const listeners = await Promise.all(
    transports.map(async (transport) => {
      const requested = await asClient(`${labelOf(transport)}-drained`)
      return { transport, requested, listening: await transport.listen(ending, requested) }
    }),
  )
  for (const { requested } of listeners) await publishTo(requested.channel, 'before')
  const lasts = await Promise.all(listeners.map(async ({ listening }) => (await take(listening, 1))[0]?.cursor))
  const closing = ending.gateway.close()
  const closed = await Promise.all(listeners.map(({ listening }) => listening.closed))
  expect(closed).toEqual(transports.map(() => ({ reconnects: true })))
  await closing
  for (const { requested } of listeners) await publishTo(requested.channel, 'meanwhile')
  for (const [place, { transport, requested }] of listeners.entries()) {
    await using again = await transport.listen(under, { ...requested, after: lasts[place] })
    expect(dataOf(await take(again, 1))).toEqual(['meanwhile'])
  }
})
