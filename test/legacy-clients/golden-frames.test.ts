import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import socketClusterServer from 'socketcluster-server'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { testSecret, testToken } from '../support/gateway/gateway-process.ts'
import { connectRaw, golden, shakeHands, socketClusterUrl } from './socketcluster-frames.ts'

let gateway: InProcessGateway
let token: string
let url: string

beforeAll(async () => {
  gateway = await openGateway()
  token = await testToken({ sub: 'alice', scope: 'publish' })
  url = socketClusterUrl(gateway.url)
})
afterAll(() => gateway?.close())

describe('clients in Python', () => {
  test('of 2016 subscribe before their handshake, and again when it is answered', async () => {
    await using client = await connectRaw(url)
    const { frames } = client
    frames.send(golden.python({ cid: 1, data: { channel: 'alice' }, event: '#subscribe' }))
    frames.send(golden.python({ cid: 2, data: { authToken: token }, event: '#handshake' }))
    expect(JSON.parse(await frames.next())).toEqual({
      rid: 2,
      data: { id: expect.any(String), pingTimeout: 20_000, isAuthenticated: true },
    })
    expect(await frames.next()).toBe('{"rid":1}')
    frames.send('{"event":"#subscribe","data":{"channel":"alice"},"cid":3}')
    expect(await frames.next()).toBe('{"rid":3}')
    frames.send(golden.python({ cid: 4, data: { channel: 'alice', data: { a: 'ü' } }, event: '#publish' }))
    expect([await frames.next(), await frames.next()].sort()).toEqual([
      '{"event":"#publish","data":{"channel":"alice","data":{"a":"ü"}}}',
      '{"rid":4}',
    ])
    frames.send(golden.python({ cid: 5, data: 'alice', event: '#unsubscribe' }))
    expect(await frames.next()).toBe('{"rid":5}')
  })

  test('send events without a cid, and publish text', async () => {
    await using client = await connectRaw(url)
    const { frames } = client
    frames.send(golden.python({ cid: 1, data: { authToken: token }, event: '#handshake' }))
    await client.answer(1)
    frames.send(golden.python({ data: { channel: 'alice' }, event: '#subscribe' }))
    frames.send(golden.python({ data: 'whatever', event: 'chat' }))
    frames.send(golden.python({ data: { channel: 'alice', data: 'text' }, event: '#publish' }))
    expect(await frames.next()).toBe('{"event":"#publish","data":{"channel":"alice","data":"text"}}')
    expect(frames.waiting).toEqual([])
  })
})

describe('clients in Java', () => {
  test('shake hands without a token, log in later, and write members in the order of a HashMap', async () => {
    await using client = await connectRaw(url)
    const { frames } = client
    frames.send(golden.java({ data: {}, event: '#handshake', cid: 1 }))
    expect(await client.answer(1)).toMatchObject({ data: { isAuthenticated: false } })
    frames.send(golden.java({ data: { channel: 'alice' }, event: '#subscribe', cid: 2 }))
    expect(await client.answer(2)).toMatchObject({ error: { name: 'UNAUTHENTICATED' } })
    frames.send(golden.java({ data: token, event: '#authenticate', cid: 3 }))
    expect(await frames.next()).toBe('{"rid":3,"data":{"isAuthenticated":true,"authError":null}}')
    frames.send(golden.java({ data: { channel: 'alice' }, event: '#subscribe', cid: 4 }))
    frames.send(golden.java({ data: { data: [1, null], channel: 'alice' }, event: '#publish', cid: 5 }))
    expect(await client.event('#publish')).toEqual({ event: '#publish', data: { channel: 'alice', data: [1, null] } })
  })
})

describe('a habit of some client', () => {
  test.each<[string, string, string]>([
    ['a call with a string as its id', '{"event":"#subscribe","data":{"channel":"alice"},"cid":"7"}', '{"rid":"7"}'],
    ['a channel outside an object', '{"event":"#subscribe","data":"alice","cid":7}', '{"rid":7}'],
    ['leaving a channel without a subscription', '{"event":"#unsubscribe","data":"alice","cid":7}', '{"rid":7}'],
    ['leaving one with an object', '{"event":"#unsubscribe","data":{"channel":"alice"},"cid":7}', '{"rid":7}'],
    ['several packets in one frame', '[{"event":"chat"},{"event":"#subscribe","data":"alice","cid":7}]', '{"rid":7}'],
    ['surrounding white space', ' {"event":"#subscribe","data":"alice","cid":7}\n', '{"rid":7}'],
  ])('%s', async (_what, frame, answer) => {
    await using client = await connectRaw(url)
    client.frames.send(golden.javaScript({ event: '#handshake', data: { authToken: token }, cid: 1 }))
    await client.answer(1)
    client.frames.send(frame)
    expect(await client.frames.next()).toBe(answer)
  })

  test('a handshake without an answer', async () => {
    await using client = await connectRaw(url)
    client.frames.send({ event: '#handshake', data: { authToken: token } })
    expect(await client.call('#subscribe', { channel: 'alice' })).not.toHaveProperty('error')
  })

  test('a disconnect message before the close', async () => {
    await using client = await connectRaw(url)
    client.frames.send({ event: '#handshake', data: {}, cid: 1 })
    await client.answer(1)
    client.frames.send({ event: '#disconnect', data: { code: 1000 } })
    expect((await client.frames.closed).code).toBe(1000)
  })
})

describe('compared with the stock server', () => {
  /** The frames of a server in this conversation, call by call, without its own ids and texts. */
  async function conversation(at: string, authToken: string | null): Promise<unknown[]> {
    const publisher = await testToken({ sub: 'alice', scope: 'publish' })
    const sentFrames: unknown[] = []
    await using client = await connectRaw(at)
    const { frames } = client
    const received: string[] = []
    frames.socket.on('message', (data: Buffer) => received.push(data.toString()))
    let cid = 0
    for (const [event, data] of [
      ['#handshake', { authToken }],
      ['#authenticate', publisher],
      ['#subscribe', { channel: 'alice' }],
      ['#subscribe', { channel: 'alice' }],
      ['#publish', { channel: 'alice', data: { n: 1, text: 'żółw', nothing: null } }],
      ['#publish', { channel: 'alice', data: 'text' }],
      ['#unsubscribe', 'alice'],
      ['#publish', { channel: 'alice', data: 'unsubscribed' }],
      ['#authenticate', 'not.a.token'],
      ['#subscribe', { channel: 1 }],
      ['#publish', 7],
    ] as const) {
      cid += 1
      frames.send({ event, data, cid })
      await client.answer(cid)
      // Further frames for a call arrive before the answer of the next call.
      cid += 1
      frames.send({ event: '#unsubscribe', data: 'none', cid })
      await client.answer(cid)
      sentFrames.push(
        received
          .splice(0)
          .filter((text) => !text.includes(`"rid":${cid}`))
          .map(bare)
          .sort(),
      )
    }
    return sentFrames
  }

  /** The stock server's error names are kept where clients read them: for tokens. */
  function bare(text: string): string {
    return text
      .replace(/"id":"[^"]*"/, '"id":"…"')
      .replace(/"authError":\{.*?"name":"(\w+)".*?\}/, '"authError":"$1"')
      .replace(/"error":\{.*"name":"(AuthToken\w+)".*\}(?=\})/, '"error":"$1"')
      .replace(/"error":\{.*\}(?=\})/, '"error":"…"')
  }

  test.each([
    ['without a token', null],
    ['with an invalid token', 'no.such.token'],
  ])('a conversation has the same frames %s', async (_what, authToken) => {
    const server = createServer()
    const stock = socketClusterServer.attach(server, { authKey: testSecret, pingTimeout: 20_000 })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const theirs = await conversation(
        `ws://127.0.0.1:${(server.address() as AddressInfo).port}/socketcluster/`,
        authToken,
      )
      expect(await conversation(url, authToken)).toEqual(theirs)
    } finally {
      await stock.close()
      server.close()
    }
  })

  test.each<[string, string, Buffer, unknown]>([
    ['JSON', 'application/json', Buffer.from('{"b":1,"a":[null,"ü"]}'), { b: 1, a: [null, 'ü'] }],
    ['text', 'text/plain', Buffer.from('żółw'), 'żółw'],
    ['bytes', 'application/octet-stream', Buffer.from([0, 255]), Buffer.from([0, 255])],
  ])('a message of %s has the same payload', async (_what, contentType, body, published) => {
    const server = createServer()
    const stock = socketClusterServer.attach(server, { authKey: testSecret })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      await using theirs = await shakeHands(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/socketcluster/`)
      await using ours = await shakeHands(url, token)
      for (const client of [theirs, ours]) await client.call('#subscribe', { channel: 'alice' })
      await stock.exchange.transmitPublish('alice', published)
      await gateway.gateway.publish({ routingKey: 'client.alice', body, properties: { contentType } })
      expect(await ours.frames.next()).toBe(await theirs.frames.next())
    } finally {
      await stock.close()
      server.close()
    }
  })
})
