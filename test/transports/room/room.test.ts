import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { callerOf, publish } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFrames, type FrameClient, type FrameOptions } from '../../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'

let gateway: InProcessGateway
let open: InProcessGateway
let token: string

beforeAll(async () => {
  gateway = await openGateway({
    WARREN_AUTH_TIMEOUT: '300ms',
    WARREN_MAX_BUFFERED_BYTES: '64KiB',
    WARREN_MAX_FRAME_BYTES: '1MiB',
  })
  open = await openGateway({ WARREN_LEGACY_ACCESS: 'open', WARREN_PUBLISH_EXCHANGES: 'sources,towsmanager' })
  token = await testToken({ sub: 'alice', scope: 'room' })
})
afterAll(async () => {
  await Promise.all([gateway.close(), open.close()])
})

const wsUrl = (of: InProcessGateway, query = '') => `${of.url.replace('http', 'ws')}/ws${query}`
const members = (of: InProcessGateway) =>
  [...of.gateway.sessions].filter(({ transport }) => transport === 'websocket').length

async function join(query = '', of = open, options: FrameOptions = {}): Promise<FrameClient> {
  const before = members(of)
  const client = await connectFrames(wsUrl(of, query), options)
  await eventually('the client to be in the room', () => members(of) > before)
  if (/envelope=json|channel=(?!.*envelope=none)/.test(query)) {
    expect(JSON.parse(await client.next())).toMatchObject({ kind: 'joined' })
  }
  return client
}

/** The frames of a client until this one, binary ones as buffers. */
async function framesUntil(client: FrameClient, last: string): Promise<string[]> {
  const frames: string[] = []
  do frames.push(await client.next())
  while (frames.at(-1) !== last)
  return frames
}

describe('the common room', () => {
  test('a text goes to all other clients, unchanged and in order, and not back to its sender', async () => {
    await using one = await join()
    await using two = await join()
    await using three = await join()
    const texts = ['hello', '{"token":"no token"}', 'ü€😀', '', 'x'.repeat(70_000), '{"kind":"sent"}', 'last']
    for (const text of texts) one.send(text)
    expect(await framesUntil(two, 'last')).toEqual(texts)
    expect(await framesUntil(three, 'last')).toEqual(texts)
    three.send('from three')
    expect(await one.next()).toBe('from three')
    expect(one.waiting).toEqual([])
  })

  test('a binary frame arrives as a binary frame', async () => {
    await using one = await join()
    await using two = await join()
    const bytes = Buffer.from([0, 255, 254, 128, 10])
    const received = new Promise((resolve) =>
      two.socket.once('message', (data: Buffer, binary: boolean) => resolve({ data: Buffer.from(data), binary })),
    )
    one.send(bytes)
    expect(await received).toEqual({ data: bytes, binary: true })
  })

  test('the envelope distinguishes confirmed own frames, frames of others and processed ones', async () => {
    await using one = await join('?envelope=json')
    await using two = await join('?envelope=json')
    await using bare = await join()
    one.send('hello')
    expect(JSON.parse(await one.next())).toEqual({ kind: 'sent', text: 'hello' })
    expect(JSON.parse(await two.next())).toEqual({ kind: 'other', text: 'hello' })
    expect(await bare.next()).toBe('hello')
    one.send(Buffer.from([1, 255]))
    expect(JSON.parse(await two.next())).toEqual({ kind: 'other', base64: 'Af8=' })
    const call = callerOf(open.graphqlUrl, open.operatorToken)
    await call(publish, { input: { exchange: 'towsmanager', routingKey: '', data: 'HELLO' } })
    expect(JSON.parse(await two.next())).toEqual({ kind: 'processed', text: '"HELLO"' })
  })

  test('a burst above the rate of a connection is read more slowly, and nothing is lost', async () => {
    await using one = await join()
    await using two = await join()
    const texts = Array.from({ length: 700 }, (_, n) => `burst ${n}`)
    for (const text of texts) one.send(text)
    expect(await framesUntil(two, 'burst 699')).toEqual(texts)
  })

  test('a client that does not read is closed with 4290, and the others do not wait for it', async () => {
    await using slow = await join(`?token=${token}`, gateway)
    await using one = await join(`?token=${token}`, gateway)
    await using two = await join(`?token=${token}`, gateway)
    slow.socket.pause()
    const text = 'x'.repeat(1024 * 1024)
    for (let n = 0; n < 40; n += 1) {
      one.send(text)
      expect(await two.next()).toHaveLength(text.length)
      if (members(gateway) === 2) break
    }
    expect(members(gateway)).toBe(2)
    slow.socket.resume()
    expect(await slow.closed).toMatchObject({ code: 4290 })
  })
})

test('while the broker is unreachable frames wait up to a limit, above which the sender is closed with 1013', async () => {
  await using away = await openGateway({
    WARREN_BROKER_URL: `amqp://127.0.0.1:${await freePort()}`,
    WARREN_LEGACY_ACCESS: 'open',
    WARREN_MAX_BUFFERED_BYTES: '64KiB',
  })
  await using one = await join('?envelope=json', away)
  await using two = await join('', away)
  for (const letter of ['a', 'b', 'c']) one.send(letter.repeat(30_000))
  expect([(await two.next())[0], (await two.next())[0]]).toEqual(['a', 'b'])
  expect(JSON.parse(await one.next())).toMatchObject({ kind: 'error', error: { code: 'BROKER_UNAVAILABLE' } })
  expect(await one.closed).toMatchObject({ code: 1013 })
  two.send('of another client')
  await using three = await join('', away)
  two.send('there is room')
  expect(await three.next()).toBe('there is room')
  expect(two.waiting).toEqual([])
})

describe('a token', () => {
  test('may come in the URL, in the header, or as the first frame', async () => {
    await using inUrl = await join(`?token=${token}`, gateway)
    await using inHeader = await join('', gateway, { headers: { authorization: `Bearer ${token}` } })
    const first = await connectFrames(wsUrl(gateway))
    first.send({ token })
    first.send('right behind it')
    expect(await inUrl.next()).toBe('right behind it')
    expect(await inHeader.next()).toBe('right behind it')
    // After authentication every frame is a text.
    first.send({ token })
    expect(await inUrl.next()).toBe(JSON.stringify({ token }))
    await first.close()
  })

  test('with open access, a first frame is a token only if it has the form of one', async () => {
    await using other = await join()
    await using one = await join()
    one.send('{"token":"hello"}')
    expect(await other.next()).toBe('{"token":"hello"}')
    await using alice = await join()
    alice.send({ token: await open.clientToken('alice') })
    alice.send('and a text')
    expect(await other.next()).toBe('and a text')
    expect([...open.gateway.sessions].map(({ identity }) => identity.clientId)).toContain('alice')
  })

  test.each([
    ['none in time', '', undefined, 4401],
    ['a text in its place', '', 'hello', 4401],
    ['a bad one in the URL', '?token=a.b.c', undefined, 4403],
    ['a bad one in the first frame', '', '{"token":"a.b.c"}', 4403],
  ])('%s closes with the code that asks for one', async (_what, query, frame, code) => {
    await using client = await connectFrames(wsUrl(gateway, query))
    if (frame !== undefined) client.send(frame)
    expect(await client.closed).toMatchObject({ code })
  })

  test('may come as the first frame behind a proxy that sends a password of its own', async () => {
    await using client = await connectFrames(wsUrl(gateway), { headers: { authorization: 'Basic YTpi' } })
    await using other = await join(`?token=${token}`, gateway)
    client.send({ token })
    client.send('admitted')
    expect(await other.next()).toBe('admitted')
  })

  test('that is invalid closes the connection at once, also if more frames follow', async () => {
    await using client = await connectFrames(wsUrl(gateway))
    const since = performance.now()
    client.send({ token: 'not.a.token' })
    for (let number = 0; number < 10; number += 1) client.send(`text ${number}`)
    expect(await client.closed).toMatchObject({ code: 4403 })
    // If the close frame of the client were not read, the keep-alive would take 20 s.
    expect(performance.now() - since).toBeLessThan(15_000)
  })
})

describe('?channel=', () => {
  test('joins one channel instead of the room, with cursors that resume', async () => {
    await using alice = await join(`?channel=alice&token=${token}`, gateway)
    await using room = await join(`?token=${token}`, gateway)
    const call = callerOf(gateway.graphqlUrl, gateway.publisherToken)
    for (const n of [1, 2]) await call(publish, { input: { clientId: 'alice', data: { n } } })
    const first = JSON.parse(await alice.next()) as { cursor: string }
    expect(first).toMatchObject({ kind: 'message', channel: 'alice', data: { n: 1 }, exchange: 'warren.events' })
    await using again = await join(`?channel=alice&token=${token}&after=${first.cursor}`, gateway)
    expect(JSON.parse(await again.next())).toMatchObject({ data: { n: 2 } })
    room.send('to the room')
    await call(publish, { input: { clientId: 'alice', data: 'ü' } })
    await alice.next()
    expect(JSON.parse(await alice.next())).toMatchObject({ data: 'ü' })
    expect(alice.waiting).toEqual([])
    await using bare = await join(`?channel=alice&envelope=none&token=${token}&after=${first.cursor}`, gateway)
    expect([await bare.next(), await bare.next()]).toEqual(['{"n":2}', 'ü'])
  })

  test('publishes what a publisher sends, and confirms it', async () => {
    await using one = await join(`?channel=team&token=${gateway.operatorToken}`, gateway)
    await using two = await join(`?channel=team&envelope=none&token=${gateway.operatorToken}`, gateway)
    one.send('hello')
    expect(await two.next()).toBe('hello')
    const frames = [JSON.parse(await one.next()), JSON.parse(await one.next())] as Record<string, unknown>[]
    expect(frames).toEqual(
      expect.arrayContaining([
        { kind: 'sent', text: 'hello', messageId: expect.any(String) },
        expect.objectContaining({ kind: 'message', data: 'hello' }),
      ]),
    )
    await using alice = await join(`?channel=alice&token=${token}`, gateway)
    alice.send('may I?')
    expect(JSON.parse(await alice.next())).toMatchObject({ kind: 'error', error: { code: 'FORBIDDEN' } })
    expect(members(gateway)).toBe(3)
  })

  test.each([
    ['bob', token, 4292, 'FORBIDDEN'],
    ['', token, 4400, 'BAD_USER_INPUT'],
    ['a b', token, 4400, 'BAD_USER_INPUT'],
  ])('%j that the client may not subscribe to closes with the right code', async (channel, _token, code, error) => {
    await using client = await connectFrames(wsUrl(gateway, `?channel=${encodeURIComponent(channel)}&token=${token}`))
    expect(JSON.parse(await client.next())).toMatchObject({ kind: 'error', error: { code: error } })
    expect(await client.closed).toMatchObject({ code })
  })
})
