import { once } from 'node:events'
import { request } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'

const subscription = 'subscription ($clientId: ID!) { channel(clientId: $clientId) { data } }'
const windowMs = 3_000
const clients = 90

describe('a gateway at shutdown', () => {
  test('closes its clients one after another over the window, each with 1012, and exits with 0', async () => {
    await using gateway = await startGateway({ env: { WARREN_DRAIN: `${windowMs}ms` } })
    const token = await testToken({ scope: 'channel:#' })
    const connected = await Promise.all(Array.from({ length: clients }, () => connect(gateway, token)))
    const began = performance.now()
    const closed = connected.map(({ closed: end }) => end.then(({ code }) => ({ code, at: performance.now() - began })))
    process.kill(gateway.pid, 'SIGTERM')
    const ends = await Promise.all(closed)

    expect(new Set(ends.map(({ code }) => code))).toEqual(new Set([1012]))
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
    // At no time have more than one and a half times their share been closed. On a busy machine a
    // close is late, and several come together; how even they are is tested with simulated time
    // (test/core/sessions/drain-sessions.test.ts).
    const early = ends
      .map(({ at }) => at)
      .toSorted((one, other) => one - other)
      .filter((at, index) => at < (index * windowMs) / clients / 1.5)
    expect(early).toEqual([])
    expect(gateway.output()).toMatch(new RegExp(`draining: ${clients} sessions over 3 s`))
  })

  test('is unready at once, still answers requests, and refuses new connections of any kind', async () => {
    await using gateway = await startGateway({ env: { WARREN_DRAIN: '1m' } })
    const token = await testToken({ scope: 'channel:#' })
    const early = new WebSocket(gateway.graphqlSocketUrl, 'graphql-transport-ws')
    await once(early, 'open')
    const stays = await Promise.all([connect(gateway, token), connect(gateway, token), connect(gateway, token)])
    process.kill(gateway.pid, 'SIGTERM')
    await gateway.printed(/draining/)

    expect(await gateway.readiness()).toBe(503)
    expect(await upgrade(gateway)).toMatchObject({ status: 503, retryAfter: '1' })
    const answer = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ gateway { connections } }' }),
    })
    expect({ status: answer.status, connection: answer.headers.get('connection') }).toEqual({
      status: 200,
      connection: 'close',
    })
    // Connected before the shutdown, but without a session.
    const refused = once(early, 'close')
    early.send(JSON.stringify({ type: 'connection_init', payload: { token } }))
    expect((await refused)[0]).toBe(1012)
    // An EventSource gives up after an error status, and reconnects after a broken connection.
    const url = `${gateway.graphqlUrl}?${new URLSearchParams({ query: 'subscription { channel(clientId: "a") { data } }', token })}`
    await expect(fetch(url, { headers: { accept: 'text/event-stream' } })).rejects.toThrow('fetch failed')

    for (const client of stays) client.frames.socket.close(1000)
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })

  test('ends at once on the second signal', async () => {
    await using gateway = await startGateway({ env: { WARREN_DRAIN: '1m' } })
    const token = await testToken({ scope: 'channel:#' })
    await Promise.all([connect(gateway, token), connect(gateway, token)])
    process.kill(gateway.pid, 'SIGTERM')
    await gateway.printed(/draining/)
    process.kill(gateway.pid, 'SIGTERM')
    expect(await gateway.exited).toEqual({ code: 143, signal: null })
  })

  test('does not wait for clients on SIGINT', async () => {
    await using gateway = await startGateway({ env: { WARREN_DRAIN: '1m' } })
    const token = await testToken({ scope: 'channel:#' })
    const listeners = await Promise.all([connect(gateway, token), connect(gateway, token)])
    process.kill(gateway.pid, 'SIGINT')
    expect(await Promise.all(listeners.map(async ({ closed }) => (await closed).code))).toEqual([1012, 1012])
    expect(await gateway.exited).toEqual({ code: 0, signal: null })
  })
})

async function connect(gateway: GatewayProcess, token: string): Promise<GraphqlClient> {
  const client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  client.subscribe(subscription, { clientId: 'alice' })
  return client
}

function upgrade(gateway: GatewayProcess): Promise<{ status: number | undefined; retryAfter: string | undefined }> {
  const call = request({
    host: '127.0.0.1',
    port: gateway.port,
    path: '/graphql',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': Buffer.alloc(16).toString('base64'),
      'sec-websocket-protocol': 'graphql-transport-ws',
    },
  })
  return new Promise((resolve, reject) => {
    call.on('error', reject)
    call.on('response', (response) => {
      response.resume()
      resolve({ status: response.statusCode, retryAfter: response.headers['retry-after'] })
    })
    call.end()
  })
}
