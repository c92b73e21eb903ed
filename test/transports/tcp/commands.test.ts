import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectFramed, frameBytes, requestBytes } from '../../support/frames/framed.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { freePort } from '../../support/network/ports.ts'

let gateway: InProcessGateway
let port: number

beforeAll(async () => {
  port = await freePort()
  gateway = await openGateway({ WARREN_TCP_PORT: String(port), WARREN_MAX_MESSAGE_BYTES: '64KiB' })
})
afterAll(() => gateway.close())

async function connectAs(token: string) {
  const client = await connectFramed(port)
  const { result, error } = await client.ask({ action: 'authenticate', token })
  if (!result) throw new Error(JSON.stringify(error))
  return client
}

describe('over framed TCP', () => {
  test('a subscriber receives its channel in order, with a cursor that resumes after each event', async () => {
    await using alice = await connectAs(await gateway.clientToken('alice'))
    await using publisher = await connectAs(gateway.publisherToken)
    expect(await alice.ask({ action: 'subscribe', channel: 'alice' })).toEqual({
      action: 'subscribe',
      id: expect.any(String),
      result: { channel: 'alice' },
    })
    for (const n of [1, 2, 3]) {
      const { result } = await publisher.ask({ action: 'publish', channel: 'alice', data: { n }, type: 'number' })
      expect(result).toEqual({ messageId: expect.any(String) })
    }
    const [first, second, third] = [await alice.next(), await alice.next(), await alice.next()]
    expect(first.header).toMatchObject({ 'content-type': 'text/json', 'content-encoding': 'utf-8' })
    expect(first.json).toMatchObject({
      channel: 'alice',
      kind: 'message',
      data: { n: 1 },
      type: 'number',
      contentType: 'application/json',
      exchange: 'warren.events',
      routingKey: 'client.alice',
      cursor: expect.any(String),
    })
    expect([second.json['data'], third.json['data']]).toEqual([{ n: 2 }, { n: 3 }])

    await using again = await connectAs(await gateway.clientToken('alice'))
    await again.ask({ action: 'subscribe', channel: 'alice', after: first.json['cursor'] })
    expect([(await again.next()).json['data'], (await again.next()).json['data']]).toEqual([{ n: 2 }, { n: 3 }])
  })

  test('an unsubscribed channel delivers no more, and its cursor names the position to resume', async () => {
    await using carol = await connectAs(await gateway.clientToken('carol'))
    await using publisher = await connectAs(gateway.publisherToken)
    await carol.ask({ action: 'subscribe', channel: 'carol' })
    await publisher.ask({ action: 'publish', channel: 'carol', data: 1 })
    const { json } = await carol.next()
    expect((await carol.ask({ action: 'unsubscribe', channel: 'carol' }))['result']).toEqual({
      channel: 'carol',
      cursor: json['cursor'],
    })
    await publisher.ask({ action: 'publish', channel: 'carol', data: 2 })
    expect((await carol.ask({ action: 'unsubscribe', channel: 'carol' }))['error']).toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'channel',
    })
    expect(carol.waiting).toEqual([])
    await carol.ask({ action: 'subscribe', channel: 'carol', after: json['cursor'] })
    expect((await carol.next()).json['data']).toBe(2)
  })

  test('answers come in the order of the requests, however they are pipelined', async () => {
    await using operator = await connectFramed(port)
    operator.send({ action: 'authenticate', token: gateway.operatorToken, id: 0 })
    for (let id = 1; id < 50; id += 1) {
      operator.send(
        id % 3 === 0 ? { action: 'search', value: '', id } : { action: 'publish', channel: 'dora', data: id, id },
      )
    }
    const ids: unknown[] = []
    while (ids.length < 50) ids.push((await operator.next()).json['id'])
    expect(ids).toEqual(Array.from({ length: 50 }, (_, id) => id))
  })

  test('search finds the channels that the caller may subscribe to', async () => {
    for (const clientId of ['team-red', 'team-blue', 'Teamwork', 'erin']) {
      const input = { clientId, name: 'N', email: 'n@example.com', password: 'a password' }
      const query = 'mutation M($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }'
      await fetch(gateway.graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query, variables: { input } }),
      })
    }
    await using operator = await connectAs(gateway.operatorToken)
    expect((await operator.ask({ action: 'search', value: 'TEAM' }))['result']).toEqual([
      'Teamwork',
      'team-blue',
      'team-red',
    ])
    expect((await operator.ask({ action: 'search', value: '%' }))['result']).toEqual([])
    await using erin = await connectAs(await gateway.clientToken('erin'))
    expect((await erin.ask({ action: 'search', value: 'e' }))['result']).toEqual(['erin'])
    await using anonymous = await connectFramed(port)
    expect((await anonymous.ask({ action: 'search', value: 'e' }))['result']).toEqual([])
  })

  test.each([
    [{ action: 'subscribe', channel: 'alice' }, { code: 'UNAUTHENTICATED' }],
    [{ action: 'publish', channel: 'alice', data: 1 }, { code: 'UNAUTHENTICATED' }],
    [{ action: 'authenticate', token: 'not.a.token' }, { code: 'UNAUTHENTICATED' }],
    [{ action: 'authenticate' }, { code: 'BAD_USER_INPUT', field: 'token' }],
    [
      { action: 'subscribe', channel: 7 },
      { code: 'BAD_USER_INPUT', field: 'channel' },
    ],
    [{ action: 'dance' }, { code: 'BAD_USER_INPUT', field: 'action' }],
    [{ action: '__proto__' }, { code: 'BAD_USER_INPUT', field: 'action' }],
    [{}, { code: 'BAD_USER_INPUT', field: 'action' }],
  ])('%j is refused, and the connection stays open', async (request, error) => {
    await using client = await connectFramed(port)
    expect((await client.ask(request))['error']).toMatchObject(error)
    expect((await client.ask({ action: 'search', value: 'x' }))['result']).toEqual([])
  })

  test('what a token does not permit is forbidden', async () => {
    await using alice = await connectAs(await gateway.clientToken('alice'))
    expect((await alice.ask({ action: 'subscribe', channel: 'bob' }))['error']).toMatchObject({ code: 'FORBIDDEN' })
    expect((await alice.ask({ action: 'publish', channel: 'bob', data: 1 }))['error']).toMatchObject({
      code: 'FORBIDDEN',
    })
    expect(
      (await alice.ask({ action: 'authenticate', token: await gateway.clientToken('bob') }))['error'],
    ).toMatchObject({
      code: 'FORBIDDEN',
    })
  })

  test('a binary request gets a binary answer, as from the old server', async () => {
    await using client = await connectFramed(port)
    const header = { 'content-type': 'binary/custom-client-binary-type', 'content-encoding': 'binary' }
    client.socket.write(frameBytes(Buffer.from('\u0000\u0001hello world'), header))
    const { header: answered, content } = await client.next()
    expect(answered).toMatchObject({
      'content-type': 'binary/custom-server-binary-type',
      'content-encoding': 'binary',
      'content-length': content.length,
    })
    expect(content.toString()).toBe('First 10 bytes of request: \u0000\u0001hello wo')
  })

  test.each([
    ['a header that is not JSON', Buffer.from('\u0000\u0005hello'), 'header'],
    ['a header that is not an object', Buffer.from('\u0000\u0002[]'), 'header'],
    ['a missing byte order', frameBytes(Buffer.alloc(0), { byteorder: 'middle' }), 'byteorder'],
    ['a negative length', frameBytes(Buffer.alloc(0), { 'content-length': -1 }), 'content-length'],
    ['a missing encoding', frameBytes(Buffer.alloc(0), { 'content-encoding': undefined }), 'content-encoding'],
  ])(
    '%s is answered with an error, and the connection is closed: the start of the next frame is unknown',
    async (_what, bytes, field) => {
      await using client = await connectFramed(port)
      client.socket.write(bytes)
      expect((await client.next()).json['error']).toMatchObject({ code: 'BAD_USER_INPUT', field })
      expect((await client.next()).json).toMatchObject({ kind: 'close', reason: 'BAD_REQUEST', comeBack: false })
      await client.closed
    },
  )

  test('content of the maximum size is accepted, and larger content is not', async () => {
    await using client = await connectFramed(port)
    await client.ask({ action: 'authenticate', token: await gateway.clientToken('large') })
    const largest = Buffer.alloc(64 * 1024, 0x20)
    largest.write('{"action":"search","value":""}')
    client.socket.write(frameBytes(largest))
    expect((await client.next()).json).toEqual({ action: 'search', result: [] })
    client.socket.write(frameBytes(Buffer.alloc(64 * 1024 + 1)))
    expect((await client.next()).json['error']).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
    await client.closed
  })

  test('a client that half-closes is answered first', async () => {
    await using client = await connectFramed(port)
    client.socket.end(frameBytes(Buffer.from('{"action":"search","value":""}')))
    expect((await client.next()).json).toEqual({ action: 'search', result: [] })
    await client.closed
    expect([...gateway.gateway.sessions].filter(({ transport }) => transport === 'tcp')).toEqual([])
  })
})

describe('a client of the old tutorial, which reads until the end of the stream', () => {
  /** All that comes until the gateway ends the stream, and how long that took, in milliseconds. */
  async function readToEnd(request: Buffer, { halfClose = false } = {}): Promise<[frames: number, ms: number]> {
    const since = performance.now()
    await using client = await connectFramed(port)
    client.socket.write(request)
    if (halfClose) client.socket.end()
    await once(client.socket, 'end')
    return [client.waiting.length, performance.now() - since]
  }
  const search = requestBytes({ action: 'search', value: 'morpheus' })
  const binary = frameBytes(Buffer.from('binary request'), {
    'content-type': 'binary/custom-client-binary-type',
    'content-encoding': 'binary',
  })

  test.each([
    ['search', search],
    ['a binary request', binary],
    ['both', Buffer.concat([search, binary, search])],
  ])(
    'gets its end after the answer to %s: after a second of silence, or at once if it half-closes',
    async (_what, request) => {
      const answers = request.length > search.length + binary.length ? 3 : 1
      const [frames, ms] = await readToEnd(request)
      expect([frames, ms > 900]).toEqual([answers, true])
      expect((await readToEnd(request, { halfClose: true }))[0]).toBe(answers)
    },
  )

  test('is answered again, and has another second then', async () => {
    await using client = await connectFramed(port)
    for (const value of ['', 'again']) expect(await client.ask({ action: 'search', value })).toHaveProperty('result')
    const since = performance.now()
    await once(client.socket, 'end')
    expect(performance.now() - since).toBeGreaterThan(900)
  })

  test('is not one with a token, nor one with another request, nor one that has sent a pong', async () => {
    await using present = await connectFramed(port)
    present.socket.write(requestBytes({ action: 'pong' }))
    await present.ask({ action: 'search', value: '' })
    await using known = await connectAs(await gateway.clientToken('known'))
    await using other = await connectFramed(port)
    await other.ask({ action: 'search', value: '' })
    // It takes the place of the search before it: the connection waits for a token.
    await other.ask({ action: 'unknown' })
    await known.ask({ action: 'search', value: '' })
    expect((await readToEnd(search))[0]).toBe(1)
    for (const client of [present, known, other])
      expect(await client.ask({ action: 'search' })).toHaveProperty('result')
  })
})
