import { execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { type ChannelListener, callerOf, listen, publish } from '../e2e/back-end/graphql-caller.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../support/network/tcp-proxy.ts'
import { type TestVhost, testVhost } from '../support/rabbitmq/broker.ts'
import { amqpPublish } from '../support/rabbitmq/third-party.ts'
import { repetitions } from '../support/repetitions.ts'
import { keepTimers } from './kept-timers.ts'
import { type LegacyClient, type Release, releases } from './legacy-client.ts'
import { connectRaw, golden, type RawClient, socketClusterUrl } from './socketcluster-frames.ts'

/**
 * The gateway sends it in the handshake: a client without a ping for so long disconnects, and the
 * gateway closes one that does not answer.
 */
const pingTimeoutMs = 20_000
const pingIntervalMs = 8_000
/** Long enough for the first ping; in a long run, longer than the ping timeout. */
const idleMs = repetitions(pingIntervalMs + 1_500, pingTimeoutMs + 3_000)
const idlePings = Math.floor(idleMs / pingIntervalMs)

let vhost: TestVhost
let gateway: GatewayProcess
let proxy: TcpProxy
let operator: string
let publisher: string
/** Connected from the first test to the last, and idle. */
let idle: { release: Release; client: LegacyClient }[]
let idleSince: number
/** The same as raw frames. */
let idlePython: IdleFrames
let idleJava: IdleFrames
let idleOfProtocol1: IdleFrames

interface IdleFrames {
  readonly client: RawClient
  readonly texts: string[]
  pings: number
}

/**
 * Answers `#1` as the Python and Java clients do, and nothing else. They fail on an empty frame.
 */
async function idleFrames(handshake: string, query = ''): Promise<IdleFrames> {
  const client = await connectRaw(socketClusterUrl(gateway.url, query))
  const idle: IdleFrames = { client, texts: [], pings: 0 }
  client.frames.send(handshake)
  await client.answer(1)
  client.frames.socket.on('ping', () => {
    idle.pings += 1
  })
  client.frames.socket.on('message', (data: Buffer) => {
    idle.texts.push(data.toString())
    if (data.toString() === '#1') client.frames.send('#2')
  })
  return idle
}

let timers: ReturnType<typeof keepTimers>

beforeAll(async () => {
  timers = keepTimers()
  vhost = await testVhost('legacy-clients')
  gateway = await startGateway({ env: { WARREN_BROKER_URL: vhost.url } })
  proxy = await tcpProxy(gateway.port)
  operator = await testToken({ scope: 'operator' })
  publisher = await testToken({ scope: 'publish' })
  idle = await Promise.all(
    releases.map(async (release) => {
      const client = release.connect(gateway.port)
      await client.connects.next()
      return { release, client }
    }),
  )
  const handshake = { event: '#handshake', data: { authToken: null }, cid: 1 }
  idlePython = await idleFrames(golden.python(handshake))
  idleJava = await idleFrames(golden.java({ ...handshake, data: {} }))
  idleOfProtocol1 = await idleFrames(golden.javaScript(handshake), '?protocolVersion=1')
  idleSince = Date.now()
})
afterAll(async () => {
  for (const { client } of idle ?? []) client[Symbol.dispose]()
  for (const one of [idlePython, idleJava, idleOfProtocol1]) await one?.client[Symbol.asyncDispose]()
  await proxy?.close()
  await gateway?.[Symbol.asyncDispose]()
  await vhost?.close()
  timers.clear()
})

const curl = async (...args: string[]) =>
  (await promisify(execFile)('curl', ['-sS', '--max-time', '30', ...args])).stdout

interface Created {
  readonly channel: string
  readonly token: string
}

/** The old systems' order of calls. */
async function createChannel(clientId: string): Promise<Created> {
  const body = JSON.stringify({ clientId, name: 'Old', email: 'old@example.com', password: 'correct horse' })
  const headers = ['-H', 'content-type: application/json']
  return JSON.parse(await curl(...headers, '-d', body, `${gateway.url}/v1/create-channel-client`)) as Created
}

function backEnd(clientId: string, data: unknown): Promise<void> {
  return amqpPublish(vhost.url, {
    exchange: 'warren.events',
    routingKey: `client.${clientId}`,
    body: JSON.stringify(data),
    contentType: 'application/json',
  })
}

function graphqlClient(clientId: string, data: unknown): Promise<unknown> {
  return callerOf(gateway.graphqlUrl, publisher)(publish, { input: { clientId, data } })
}

async function connected(release: Release, port: number, token: string): Promise<LegacyClient> {
  const client = release.connect(port)
  await client.connects.next()
  expect(await client.authenticate(token)).toBe(true)
  return client
}

describe.each(releases)('$name', (release) => {
  const major = release.name.split(' ')[1] ?? ''

  test('in the old order of calls, each twice: receives what a back end and a GraphQL client publish', async () => {
    const clientId = `old-${major}`
    for (const _ of [1, 2]) {
      expect(JSON.parse(await curl(`${gateway.url}/v1/create-rabbit-ch`))).toMatchObject({ status: 'ok' })
    }
    const [first, second] = [await createChannel(clientId), await createChannel(clientId)]
    expect(second.channel).toBe(first.channel)
    using client = await connected(release, gateway.port, second.token)
    client.subscribe(first.channel)
    await client.subscribed.next()
    await backEnd(clientId, { from: 'a back end', text: 'żółw 🐢' })
    await backEnd(clientId, { from: 'the same', repeated: true })
    await graphqlClient(clientId, { from: 'GraphQL' })
    expect(await client.received.next()).toEqual({ from: 'a back end', text: 'żółw 🐢' })
    expect(await client.received.next()).toEqual({ from: 'the same', repeated: true })
    expect(await client.received.next()).toEqual({ from: 'GraphQL' })
  })

  test('publishes with and without an acknowledgement, to a GraphQL client too, and is refused without permission', async () => {
    const clientId = `publishing-${major}`
    const own = await testToken({ sub: clientId })
    await using witness: ChannelListener = await listen(gateway.graphqlSocketUrl, own, { clientId })
    using client = await connected(release, gateway.port, await testToken({ sub: clientId, scope: 'publish' }))
    client.subscribe(clientId)
    await client.subscribed.next()
    client.transmit(clientId, 'without')
    await client.publish(clientId, 'with')
    expect([await client.received.next(), await client.received.next()]).toEqual(['without', 'with'])
    expect((await witness.take(2)).map(({ data }) => data)).toEqual(['without', 'with'])

    client.unsubscribe(clientId)
    await client.publish(clientId, 'unsubscribed')
    await witness.next()
    client.subscribe(clientId)
    await client.subscribed.next()
    await client.publish(clientId, 'delivered again')
    expect(await client.received.next()).toBe('delivered again')

    using reader = await connected(release, gateway.port, own)
    await expect(reader.publish(clientId, 'no')).rejects.toMatchObject({ name: 'FORBIDDEN' })
    reader.subscribe('somebody-else')
    expect(await reader.subscribeFails.next()).toMatchObject({ name: 'FORBIDDEN' })
  })

  test('receives a token at login, logs out, and learns of an invalid one', async () => {
    const clientId = `login-${major}`
    using client = release.connect(gateway.port)
    expect((await client.connects.next()).isAuthenticated).toBe(false)
    const body = { clientId, name: 'L', email: 'l@example.com', password: 'correct horse' }
    expect(await client.invoke('login', body)).toMatchObject({ channel: clientId })
    expect(client.token).toMatch(/^ey/)
    client.subscribe(clientId)
    await client.subscribed.next()
    await client.deauthenticate()
    expect(await client.kickOuts.next()).toMatchObject({ channel: clientId })
    expect(client.token).toBeNull()
    await expect(client.authenticate('not.a.token')).rejects.toMatchObject({ name: 'AuthTokenInvalidError' })
  })

  test('reconnects by itself after the network was cut, with its token and its channel', async () => {
    const clientId = `cut-${major}`
    using client = await connected(release, proxy.port, await testToken({ sub: clientId }))
    client.subscribe(clientId)
    await client.subscribed.next()
    proxy.cut()
    await client.disconnects.next()
    expect((await client.connects.next()).isAuthenticated).toBe(true)
    await client.subscribed.next()
    await graphqlClient(clientId, 'after the cut')
    expect(await client.received.next()).toBe('after the cut')
  })

  test('is kicked out of a deleted channel and keeps the others, and disconnects for good when it is revoked', async () => {
    const [clientId, other] = [`kicked-${major}`, `other-${major}`]
    await createChannel(clientId)
    const token = await testToken({ sub: clientId, scope: `channel:${other}` })
    using client = await connected(release, gateway.port, token)
    for (const channel of [clientId, other]) {
      client.subscribe(channel)
      expect(await client.subscribed.next()).toBe(channel)
    }
    const call = callerOf(gateway.graphqlUrl, operator)
    await call('mutation Delete($clientId: ID!) { deleteClientChannel(clientId: $clientId) }', { clientId })
    expect(await client.kickOuts.next()).toEqual({ channel: clientId, message: `channel "${clientId}" was deleted` })
    await graphqlClient(other, 'still here')
    expect(await client.received.next()).toBe('still here')

    await call('mutation Revoke($clientId: ID!) { revoke(clientId: $clientId) }', { clientId })
    expect(await client.kickOuts.next()).toEqual({ channel: other, message: 'Revoked' })
    expect(await client.disconnects.next()).toBe(4592)
    expect(client.token).toBeNull()
  })

  test('resumes after a cursor if it sends one, and receives a gap', async () => {
    const clientId = `cursor-${major}`
    const token = await testToken({ sub: clientId })
    using client = await connected(release, gateway.port, token)
    client.subscribe(clientId, { data: { cursors: true } })
    await client.subscribed.next()
    await graphqlClient(clientId, 1)
    const { cursor } = (await client.received.next()) as { cursor: string; data: unknown }
    client.unsubscribe(clientId)
    await graphqlClient(clientId, 2)
    using later = await connected(release, gateway.port, token)
    later.subscribe(clientId, { data: { after: cursor, cursors: true } })
    expect(await later.received.next()).toEqual({ cursor: expect.any(String), data: 2 })
    using lost = await connected(release, gateway.port, token)
    lost.subscribe(clientId, { data: { after: 'no cursor' } })
    expect(await lost.gaps.next()).toMatchObject({ channel: clientId, reason: 'INVALID_CURSOR' })
  })
})

test('the sample subscriber receives what the sample publisher publishes', async () => {
  const subscriber = spawn(process.execPath, ['examples/subscriber/subscriber.mjs', 'sample', gateway.url])
  const lines = new Inbox<string>('a line of the subscriber')
  createInterface({ input: subscriber.stdout }).on('line', (line) => lines.push(line))
  try {
    expect(await lines.next()).toBe('listening to sample')
    const args = ['examples/publisher/publisher.mjs', 'sample', '{"n": 1}', publisher, gateway.url]
    expect((await promisify(execFile)(process.execPath, args)).stdout).toBe('published to sample\n')
    expect(await lines.next()).toBe('{"n":1}')
  } finally {
    subscriber.kill()
  }
})

describe('all releases at once', () => {
  test(`stay connected without any activity for ${idleMs / 1_000} s`, async () => {
    const atLeastMs = idleMs
    await eventually('the idle time to be over', () => Date.now() - idleSince > atLeastMs, { withinMs: atLeastMs })
    for (const { release, client } of idle) {
      expect([release.name, client.disconnects.waiting]).toEqual([release.name, []])
      expect(await client.authenticate(operator)).toBe(true)
    }
  })

  test('and so do Python and Java clients, which receive only WebSocket pings; a client that names its protocol gets protocol pings', () => {
    for (const { client, texts, pings } of [idlePython, idleJava]) {
      expect([client.frames.socket.readyState, texts, pings]).toEqual([WebSocket.OPEN, [], expect.any(Number)])
      expect(pings).toBeGreaterThanOrEqual(idlePings)
    }
    expect(idleOfProtocol1.pings).toBe(0)
    expect(new Set(idleOfProtocol1.texts)).toEqual(new Set(['#1']))
    expect(idleOfProtocol1.texts.length).toBeGreaterThanOrEqual(idlePings)
  })

  test('are closed at a restart with a code that makes them reconnect', async () => {
    expect(await gateway.stop()).toBe(0)
    for (const { client } of idle) expect(await client.disconnects.next()).toBe(1001)
  })
})
