import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectRaw, type RawClient, shakeHands, socketClusterUrl } from '../../legacy-clients/socketcluster-frames.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'

let gateway: InProcessGateway
let strict: InProcessGateway
let operator: string

beforeAll(async () => {
  gateway = await openGateway({ WARREN_LEGACY_ACCESS: 'open', WARREN_MAX_SUBSCRIBE_RATE: '1000000' })
  strict = await openGateway({
    WARREN_AUTH_TIMEOUT: '300ms',
    WARREN_MAX_MESSAGE_BYTES: '64KiB',
    WARREN_MAX_SUBSCRIBE_RATE: '20',
    WARREN_MAX_CONNECTIONS: '3',
  })
  operator = gateway.operatorToken
})
afterAll(() => Promise.all([gateway, strict].map((one) => one?.close())))

const opened = (authToken: string | null = null) => shakeHands(socketClusterUrl(gateway.url), authToken)

/** Checks that the connection still receives events. */
async function receives(client: RawClient, channel: string, data: unknown): Promise<void> {
  expect(await client.call('#subscribe', { channel })).not.toHaveProperty('error')
  await using publisher = await opened(operator)
  expect(await publisher.call('#publish', { channel, data })).not.toHaveProperty('error')
  expect(await client.event('#publish')).toEqual({ event: '#publish', data: { channel, data } })
}

describe('names of members of every object', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

  test.each(names)('%s is a channel like any other', async (name) => {
    await using client = await opened()
    await receives(client, name, { [name]: 1 })
    expect(await client.call('#unsubscribe', name)).not.toHaveProperty('error')
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test.each(names)('%s is not an event: without a call id it is ignored, with one it is refused', async (name) => {
    await using client = await opened()
    client.frames.send(`{"event":"${name}"}`)
    client.frames.send(`{"event":"${name}","data":{"__proto__":{"a":1}}}`)
    expect(await client.call(name)).toMatchObject({ error: { name: 'BAD_USER_INPUT', field: 'event' } })
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  test('only own members of a packet count, not those of its prototype', async () => {
    await using client = await opened()
    client.frames.send('{"__proto__":{"event":"#subscribe","data":"alice","cid":5}}')
    client.frames.send('{"event":"#subscribe","data":{"__proto__":{"channel":"alice"}},"cid":6}')
    expect(await client.answer(6)).toMatchObject({ error: { name: 'BAD_USER_INPUT', field: 'channel' } })
    expect(client.frames.waiting).toEqual([])
  })
})

test('#publish with the name of a channel alone is refused, and publishes nothing', async () => {
  await using listener = await opened()
  await using publisher = await opened(operator)
  await listener.call('#subscribe', 'bare')
  for (const data of ['bare', ''])
    expect(await publisher.call('#publish', data)).toMatchObject({ error: { name: 'BAD_USER_INPUT', field: 'data' } })
  expect(await publisher.call('#publish', { channel: 'bare', data: 'text' })).not.toHaveProperty('error')
  expect(await listener.event('#publish')).toEqual({ event: '#publish', data: { channel: 'bare', data: 'text' } })
})

describe('packets of the wrong form', () => {
  const odd = [
    null,
    true,
    7,
    '',
    [],
    [1],
    {},
    { channel: null },
    { channel: {} },
    { channel: ['a'] },
    { channel: 'a b' },
  ]
  const outcomes = ['BAD_USER_INPUT', 'FORBIDDEN', 'UNAUTHENTICATED', 'AuthTokenInvalidError', undefined]

  test.each([
    '#subscribe',
    '#unsubscribe',
    '#publish',
    '#authenticate',
    '#removeAuthToken',
    'login',
    '#handshake',
    '#setAuthToken',
    '#kickOut',
  ])('%s answers each, and the connection stays open', async (event) => {
    await using client = await opened()
    for (const data of odd) {
      const { error } = await client.call(event, data)
      expect([data, outcomes.includes(error?.name), typeof (error?.message ?? '')]).toEqual([data, true, 'string'])
    }
    await receives(client, 'alive', event)
  })

  test.each([
    ['nothing but white space', ' '],
    ['text', 'hello'],
    ['half an object', '{"event":'],
    ['a number', '7'],
    ['null', 'null'],
    ['an empty list', '[]'],
    ['a list without packets', '[null,1,"a",[],{"event":1}]'],
    ['an answer to nothing', '{"rid":1,"data":{}}'],
    ['a call with an object as its id', '{"event":"#subscribe","data":"a","cid":{"a":1}}'],
    ['a ping of a server', '#1'],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00])],
  ])('%s is ignored', async (_what, frame) => {
    await using client = await opened()
    client.frames.send(frame)
    await receives(client, 'passed-over', 1)
  })

  test('a packet in a binary frame is read as in a text frame', async () => {
    await using client = await opened()
    client.frames.send(Buffer.from('{"event":"#subscribe","data":"alice","cid":9}'))
    expect(await client.answer(9)).toEqual({ rid: 9 })
  })

  test('data that nests too deep is refused, and the connection stays open', async () => {
    await using client = await opened(operator)
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    client.frames.send(`{"event":"#publish","data":{"channel":"alice","data":${deep}},"cid":9}`)
    expect(await client.answer(9)).toMatchObject({ error: { name: 'BAD_USER_INPUT' } })
    client.frames.send(deep)
    client.frames.send(`{"event":"#subscribe","data":${deep},"cid":10}`)
    expect(await client.answer(10)).toMatchObject({ error: { field: 'channel' } })
  })

  test('a second handshake is refused and changes nothing', async () => {
    await using client = await opened()
    const before = gateway.gateway.sessions.size
    for (const authToken of [null, operator]) {
      expect(await client.call('#handshake', { authToken })).toMatchObject({ error: { name: 'BAD_USER_INPUT' } })
    }
    expect(gateway.gateway.sessions.size).toBe(before)
    expect(await client.call('#publish', { channel: 'a', data: 1 })).toMatchObject({ error: { name: 'FORBIDDEN' } })
  })

  test('a thousand packets in one frame are read, more close the connection', async () => {
    await using client = await opened()
    const packets = Array.from({ length: 1_000 }, (_, cid) => ({ event: 'nothing', cid }))
    client.frames.send(packets)
    for (const cid of [0, 999]) expect(await client.answer(cid)).toMatchObject({ error: { field: 'event' } })
    client.frames.send([...packets, { event: 'one more' }])
    expect((await client.frames.closed).code).toBe(4500)
  })
})

describe('too much', () => {
  test('channels: those above the limit are refused with its name, the others work', async () => {
    await using client = await opened()
    for (let n = 0; n < 3_000; n += 1) client.frames.send({ event: '#subscribe', data: `many-${n}`, cid: `many-${n}` })
    const limit = { name: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_SUBSCRIPTIONS' }
    expect(await client.answer('many-2999')).toMatchObject({ error: limit })
    expect(client.frames.waiting.filter((text) => text.includes('LIMIT_EXCEEDED'))).toHaveLength(2_899)
    await receives(client, 'many-99', 1)
    await client.frames.close()
    await eventually('its subscriptions to be gone', () => gateway.gateway.hub.countOf('many-99') === 0)
  })

  test('commands: a client that is too fast is read more slowly, and none is refused', async () => {
    await using client = await shakeHands(socketClusterUrl(strict.url), await strict.clientToken('fast'))
    const begun = Date.now()
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.call('#subscribe', { channel: 'fast' })))
    expect(answers.filter(({ error }) => error)).toEqual([])
    // 20 a second.
    expect(Date.now() - begun).toBeGreaterThan(1_000)
  })

  test('calls of a client that does not read the answers: nothing more is read from it until it does', async () => {
    await using client = await opened()
    const { socket } = client.frames
    socket.pause()
    const padding = '.'.repeat(90)
    let count = 0
    let before = 0
    // The answers are as long as the calls. If they are not read, the calls wait in the client. How
    // many the kernel buffers before that differs by machine.
    const stalled = () => {
      const now = socket.bufferedAmount
      if (now > 0 && now === before) return true
      before = now
      if (now > 0 || count === 1_000_000) return false
      for (const end = count + 50_000; count < end; count += 1)
        socket.send(`{"event":"#unsubscribe","data":"a","cid":"${count}${padding}"}`)
      return false
    }
    await eventually('the gateway to have stopped reading', stalled, { everyMs: 500 })
    await using neighbour = await opened()
    await receives(neighbour, 'neighbour', 1)
    socket.resume()
    expect(await client.answer(`${count - 1}${padding}`)).not.toHaveProperty('error')
  })

  test('messages for a client that does not read wait in the journal, and it gets all of them later', async () => {
    await using client = await opened()
    expect(await client.call('#subscribe', { channel: 'slow' })).not.toHaveProperty('error')
    client.frames.socket.pause()
    await using publisher = await opened(operator)
    const count = 1_600
    const filler = 'x'.repeat(10_000)
    for (let n = 0; n < count; n += 50) {
      await Promise.all(
        Array.from({ length: 50 }, (_, i) =>
          publisher.call('#publish', { channel: 'slow', data: { n: n + i, filler } }),
        ),
      )
    }
    const [session] = [...gateway.gateway.sessions].filter(({ subscriptions }) => subscriptions === 1)
    expect(session?.bufferedBytes).toBeLessThan(5 * 1024 * 1024)
    client.frames.socket.resume()
    for (let n = 0; n < count; n += 1) {
      expect((await client.event('#publish')).data).toMatchObject({ channel: 'slow', data: { n } })
    }
  })
})

describe('before its handshake, a client', () => {
  const unknown = (url = gateway.url) => connectRaw(socketClusterUrl(url))

  test('that sends anything else is closed with 4009', async () => {
    await using client = await unknown()
    client.frames.send('hello')
    expect((await client.frames.closed).code).toBe(4009)
  })

  test('may send 32 packets, which are answered after the handshake', async () => {
    await using client = await unknown()
    for (let cid = 2; cid < 34; cid += 1) client.frames.send({ event: '#subscribe', data: `early-${cid}`, cid })
    client.frames.send({ event: '#handshake', data: {}, cid: 1 })
    expect(await client.answer(33)).toEqual({ rid: 33 })
    await using other = await unknown()
    for (let cid = 2; cid < 35; cid += 1) other.frames.send({ event: '#subscribe', data: 'early', cid })
    expect((await other.frames.closed).code).toBe(4009)
  })

  test('that sends nothing is closed with 4005 after the timeout', async () => {
    await using client = await unknown(strict.url)
    expect((await client.frames.closed).code).toBe(4005)
  })

  test('is refused with the limit of connections and closed with 1013', async () => {
    const clients = await Promise.all([1, 2, 3].map(() => shakeHands(socketClusterUrl(strict.url))))
    await using client = await unknown(strict.url)
    client.frames.send({ event: '#handshake', data: {}, cid: 1 })
    expect(await client.answer(1)).toMatchObject({ error: { name: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_CONNECTIONS' } })
    expect((await client.frames.closed).code).toBe(1013)
    for (const other of clients) await other.frames.close()
  })
})

test('a frame above the limit closes its connection and no other', async () => {
  await using neighbour = await shakeHands(socketClusterUrl(strict.url))
  await using client = await shakeHands(socketClusterUrl(strict.url))
  client.frames.send('x'.repeat(70_000))
  expect((await client.frames.closed).code).toBe(1009)
  expect(await neighbour.call('nothing')).toHaveProperty('error')
})

test('a session ends with its token, unless the client has sent another before', async () => {
  const url = socketClusterUrl(gateway.url)
  const short = await testToken({ sub: 'brief' }, { ttl: '1s' })
  await using client = await shakeHands(url, short)
  await using renewed = await shakeHands(url, short)
  const { data } = await renewed.call('#authenticate', await testToken({ sub: 'brief' }))
  expect(data).toEqual({ isAuthenticated: true, authError: null })
  expect((await client.frames.closed).code).toBe(4291)
  await receives(renewed, 'brief', 1)
  await using again = await connectRaw(url)
  again.frames.send({ event: '#handshake', data: { authToken: short }, cid: 1 })
  // The token is valid for some seconds more, as the tolerance for clocks allows.
  expect(await again.answer(1)).toMatchObject({ data: { pingTimeout: 20_000 } })
})

test('a client without a token may subscribe to what is open, and may not publish', async () => {
  await using open = await opened()
  await receives(open, 'anything', 1)
  expect(await open.call('#publish', { channel: 'anything', data: 1 })).toMatchObject({ error: { name: 'FORBIDDEN' } })
  await using shut = await shakeHands(socketClusterUrl(strict.url))
  expect(await shut.call('#subscribe', { channel: 'anything' })).toMatchObject({ error: { name: 'UNAUTHENTICATED' } })
})
