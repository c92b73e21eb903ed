import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectFrames } from '../../support/frames/frames.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { upgradeRequest } from '../../support/frames/masked-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
let port: number

beforeAll(async () => {
  gateway = await openGateway({ WARREN_LEGACY_ACCESS: 'open', WARREN_GRAPHIQL: 'on' })
  port = Number(new URL(gateway.url).port)
})
afterAll(() => gateway?.close())

/** All bytes that the gateway sends until it closes the connection, or until they match. */
function exchange(request: string, isEnough: (received: string) => boolean = () => false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.setEncoding('utf8')
    socket.on('data', (piece: string) => {
      received += piece
      if (isEnough(received)) socket.destroy()
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
    socket.write(request)
  })
}

/** A response with its whole body: an unread one would keep its connection open. */
async function ask(path: string, init: RequestInit = {}, url = gateway.url) {
  const response = await fetch(url + path, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, text }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`

describe('a plain request to an endpoint of WebSockets', () => {
  test.each(['/ws', '/ws/', '/ws?channel=alice', '/socketcluster/', '/socketcluster'])(
    '%s is answered with 426 and the protocol to upgrade to',
    async (path) => {
      const [name] = path.replace(/\/(?=\?|$)/, '').split('?')
      const { status, headers, text } = await ask(path)
      expect([status, headers.get('upgrade')]).toEqual([426, 'websocket'])
      expect(JSON.parse(text)).toEqual({
        error: {
          code: 'UPGRADE_REQUIRED',
          message: `${name}: expected a WebSocket upgrade, got a plain GET request`,
        },
      })
    },
  )

  test('keeps its connection for other requests', async () => {
    const received = await exchange(`${get('/ws')}${get('/graphql?query={__typename}')}`, (text) =>
      text.includes('"__typename":"Query"'),
    )
    expect(received.match(/^HTTP\/1\.1 .*$/gm)).toEqual(['HTTP/1.1 426 Upgrade Required', 'HTTP/1.1 200 OK'])
    expect(received).toMatch(/^connection: Upgrade$/im)
  })

  test('is unknown if the endpoint is off', async () => {
    await using without = await openGateway({ WARREN_ROOM: 'off', WARREN_SOCKETCLUSTER: 'off' })
    for (const path of ['/ws', '/socketcluster/']) expect((await ask(path, {}, without.url)).status).toBe(404)
  })
})

describe('a final slash makes no difference', () => {
  test.each(['/graphql', '/graphql/'])('to a query at %s', async (path) => {
    const query = new URLSearchParams({ query: '{ __typename }' })
    const json = { headers: { accept: 'application/json' } }
    const data = '{"data":{"__typename":"Query"}}'
    expect((await ask(`${path}?${query.toString()}`, json)).text).toBe(data)
    const headers = { 'content-type': 'application/json' }
    const body = '{"query":"{ __typename }"}'
    expect((await ask(path, { method: 'POST', headers, body })).text).toBe(data)
    const page = await ask(path, { headers: { accept: 'text/html' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  })

  test.each(['/graphql', '/graphql/'])('to a WebSocket at %s', async (path) => {
    await using client = await connectGraphql(gateway.url.replace('http', 'ws') + path)
    const { data } = await client.subscribe('{ __typename }').next()
    expect(data).toEqual({ __typename: 'Query' })
  })

  test.each(['/socketcluster', '/socketcluster/', '/socketcluster/?transport=websocket'])('at %s', async (path) => {
    await using client = await connectFrames(gateway.url.replace('http', 'ws') + path)
    client.send({ event: '#handshake', data: {}, cid: 1 })
    expect(await client.nextMatching((frame) => frame.includes('"rid":1'))).toContain('"isAuthenticated"')
  })

  test('nor do two slashes name another place', async () => {
    for (const path of ['/graphql//', '//graphql', '/ws//'])
      expect([path, (await ask(path)).status]).toEqual([path, 404])
  })
})

describe('HEAD /graphql', () => {
  test.each([
    ['a monitor', undefined, 'application/json; charset=utf-8'],
    ['a browser', 'text/html', 'text/html; charset=utf-8'],
    ['a GraphQL client', 'application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
  ])('is answered to %s as GET is, without a body', async (_who, accept, type) => {
    const headers: Record<string, string> = accept ? { accept } : {}
    const path = '/graphql?query={__typename}'
    const head = await ask(path, { method: 'HEAD', headers })
    expect([head.status, head.headers.get('content-type'), head.text]).toEqual([200, type, ''])
    expect((await ask(path, { headers })).headers.get('content-type')).toBe(type)
  })

  test('starts no subscription', async () => {
    const query = new URLSearchParams({ query: 'subscription { channel(clientId: "alice") { kind } }' })
    const headers = { accept: 'text/event-stream' }
    const response = await ask(`/graphql?${query.toString()}`, { method: 'HEAD', headers })
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect([...gateway.gateway.sessions].filter(({ transport }) => transport === 'sse')).toEqual([])
  })
})

describe('an upgrade behind another request on its connection', () => {
  test.each(['/graphql', '/ws', '/socketcluster/'])('is refused on %s, after the answer', async (path) => {
    const received = await exchange(get('/graphql?query={gateway{version}}') + upgradeRequest(path))
    const [answer = '', refusal = '', ...more] = received.split(/(?=HTTP\/1\.1 )/)
    expect(more).toEqual([])
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*"version"/)
    expect(refusal).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*after the answers to all earlier requests/)
  })

  test('is accepted after the answer has been sent', async () => {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8')
    let received = ''
    const until = (text: string) =>
      new Promise<void>((resolve) => {
        const check = () => received.includes(text) && resolve()
        socket.on('data', (piece: string) => {
          received += piece
          check()
        })
      })
    socket.write(get('/graphql?query={__typename}'))
    await until('"Query"')
    const switched = until('101 Switching Protocols')
    socket.write(upgradeRequest('/ws'))
    await switched
    socket.destroy()
    expect(received).toMatch(/^HTTP\/1\.1 200 OK/)
  })

  test('is cut off with an answer that does not end', async () => {
    const token = await gateway.clientToken('alice')
    const query = new URLSearchParams({ query: 'subscription { channel(clientId: "alice") { kind } }', token })
    const stream = `GET /graphql?${query.toString()} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`
    const received = await exchange(stream + upgradeRequest('/ws'))
    expect(received.match(/^HTTP\/1\.1 .*$/gm)).toHaveLength(1)
    expect(received).not.toContain('101')
  })
})
