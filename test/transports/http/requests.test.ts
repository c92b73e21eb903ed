import { once } from 'node:events'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_HTTP_KEEP_ALIVE: '33s', WARREN_ALLOWED_ORIGINS: 'https://app.example' })
})
afterAll(() => gateway.close())

const body = '{"query":"{ gateway { version } }"}'

/** Sends bytes and resolves with everything that comes until the gateway closes. */
async function raw(...given: [{ to: InProcessGateway }, ...string[]] | string[]): Promise<string> {
  const [first, ...others] = given
  const [to, pieces] = typeof first === 'object' ? [first.to, others] : [gateway, given]
  const socket = connect(Number(new URL(to.url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString()
  })
  await once(socket, 'connect')
  for (const piece of pieces as string[]) socket.write(piece)
  await once(socket, 'close')
  return answer
}

const requestOf = (target: string, ...headers: string[]) =>
  `GET ${target} HTTP/1.1\r\n${['Host: 127.0.0.1', 'Connection: close', ...headers].join('\r\n')}\r\n\r\n`

describe('a body', () => {
  test.each(['application/json', 'APPLICATION/JSON', 'Application/Json; charset=UTF-8'])(
    'of %s is read',
    async (type) => {
      const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers: { 'content-type': type }, body })
      expect(await response.json()).toMatchObject({ data: { gateway: {} } })
    },
  )

  test.each([
    ['/graphql', 'gzip'],
    ['/graphql', 'GZIP, identity'],
    ['/v1/create-channel-client', 'br'],
  ])('to %s with the coding %s is answered with 415 and what is accepted', async (path, coding) => {
    const headers = { 'content-type': 'application/json', 'content-encoding': coding }
    const response = await fetch(gateway.url + path, { method: 'POST', headers, body: gzipSync(body) })
    expect(response.status).toBe(415)
    expect(response.headers.get('accept-encoding')).toBe('identity')
    expect(await response.text()).toContain('expected a body without compression')
  })

  test('of another type is answered with 415 and what is accepted', async () => {
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body,
    })
    expect([response.status, response.headers.get('accept')]).toEqual([415, 'application/json'])
    expect(await response.text()).toContain('expected a POST with the content type application/json')
  })
})

test('an Accept that is not served is answered with 406 and what is', async () => {
  const headers = { 'content-type': 'application/json', accept: 'image/png' }
  const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers, body })
  expect(response.status).toBe(406)
  expect(await response.json()).toEqual({
    errors: [
      {
        message: expect.stringMatching(/expected .*application\/json.* got "image\/png"/),
        extensions: { code: 'NOT_ACCEPTABLE' },
      },
    ],
  })
})

test('an invalid token is answered with a challenge', async () => {
  for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream']) {
    const headers = { 'content-type': 'application/json', accept, authorization: 'Bearer x.y.z' }
    const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers, body })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="warren", error="invalid_token"')
    await response.text()
  }
})

test.each([
  ['/graphql', {}],
  ['/graphql', { origin: 'https://app.example' }],
  ['/graphql', { origin: 'https://evil.example' }],
  ['/graphql?query=%7Bgateway%7Bversion%7D%7D', { origin: 'https://app.example' }],
  ['/health-check', { origin: 'https://app.example' }],
  ['/nothing', {}],
])('the answer at %s to %j varies with Origin', async (path, headers) => {
  const response = await fetch(gateway.url + path, { headers })
  expect(response.headers.get('vary')).toMatch(/\borigin\b/i)
  await response.text()
})

describe('a target in absolute form', () => {
  const target = '/graphql?query=%7Bgateway%7Bversion%7D%7D'

  test('is answered like its path', async () => {
    expect(await raw(requestOf(`http://127.0.0.1${target}`))).toContain('"data":{"gateway"')
    expect(await raw(requestOf(`HTTP://localhost:4000${target}`))).toContain('"data":{"gateway"')
    expect(await raw(requestOf('http://127.0.0.1?a=1'))).toContain('"status":"ok"')
  })

  test('is checked by its own host, not by Host', async () => {
    expect(await raw(requestOf(`http://evil.example${target}`))).toMatch(/^HTTP\/1\.1 421 /)
  })

  test.each(['http://user@127.0.0.1/graphql', 'ftp://127.0.0.1/graphql', 'http:///graphql'])(
    '%s is no endpoint',
    async (one) => {
      expect(await raw(requestOf(one))).toMatch(/^HTTP\/1\.1 404 /)
    },
  )

  test('upgrades too', async () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13']
    const request = requestOf('http://127.0.0.1/graphql', ...upgrade).replace('Connection: close\r\n', '')
    // The path was found: only the key is missing.
    expect(await raw(request)).toMatch(/^HTTP\/1\.1 400 [\s\S]*Sec-WebSocket-Key/)
  })
})

describe('what the parser refuses', () => {
  test('is answered with 431 and what is accepted if the headers are too long', async () => {
    const answer = await raw(requestOf('/', `Cookie: ${'x'.repeat(20_000)}`))
    expect(answer).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(answer).toContain('expected at most 16384 bytes')
  })

  test('is answered with 400 if it is not HTTP', async () => {
    expect(await raw('GET\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*"code":"BAD_REQUEST"/)
  })

  test('is answered with 408 if a body does not come in time, and with 400 if it is broken', async () => {
    await using hasty = await openGateway({ WARREN_REQUEST_TIMEOUT: '100ms' })
    const start = 'POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'
    const slow = await raw({ to: hasty }, `${start}Content-Length: 50\r\n\r\n{`)
    expect(slow).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*WARREN_REQUEST_TIMEOUT/)
    const broken = await raw({ to: gateway }, `${start}Transfer-Encoding: chunked\r\n\r\n`, 'x\r\n')
    expect(broken).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  test('does not come before the answer to an earlier request', async () => {
    const stream = requestOf(
      '/graphql?query=subscription%7Bchannel(clientId:%22a%22)%7Bdata%7D%7D',
      'Accept: text/event-stream',
    )
    expect(await raw(stream.replace('Connection: close\r\n', ''), 'nonsense\r\n\r\n')).not.toContain('400 Bad Request')
  })
})

test('the time that a connection stays open is announced', async () => {
  const response = await fetch(gateway.url)
  expect(response.headers.get('keep-alive')).toBe('timeout=33')
  await response.text()
})
