import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { createClient } from 'graphql-sse'
import { eventually } from '../../../support/eventually.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../../support/gateway/hub-watch.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_AUTH_TIMEOUT: '1s', WARREN_KEEP_ALIVE: '300ms' })
})
afterAll(() => gateway?.close())

const version = '{ gateway { version } }'
const listenTo = (clientId: string) => `subscription { channel(clientId: "${clientId}") { data } }`
const publishTo = (clientId: string, data: number) =>
  `mutation { publish(input: { clientId: "${clientId}", data: ${data} }) { messageId } }`

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
const asOperator = () => bearer(gateway.operatorToken)

async function ask(
  method: string,
  { search = '', token, body, headers = {} }: { search?: string; token?: string; body?: object; headers?: object } = {},
): Promise<Response> {
  return fetch(`${gateway.graphqlUrl}${search}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { 'x-graphql-event-stream-token': token }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

async function reserve(headers: object = asOperator()): Promise<string> {
  const response = await ask('PUT', { headers })
  expect([response.status, response.headers.get('content-type')]).toEqual([201, 'text/plain; charset=utf-8'])
  return response.text()
}

const operation = (query: string, operationId: unknown) => ({ query, extensions: { operationId } })

/** An event of the stream, as one text. */
async function open(token: string, search?: string) {
  const abort = new AbortController()
  const response = await fetch(`${gateway.graphqlUrl}${search ?? ''}`, {
    headers: {
      accept: 'text/event-stream',
      ...(search === undefined && { 'x-graphql-event-stream-token': token }),
    },
    signal: abort.signal,
  })
  const events = new Inbox<string>('an event')
  const read = async () => {
    let text = ''
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += piece
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) events.push(part)
    }
  }
  const ended = read().then(
    () => 'orderly' as const,
    () => 'broken off' as const,
  )
  return {
    response,
    ended,
    next: () => events.nextMatching((event) => event.startsWith('event: ')),
    comment: () => events.nextMatching((event) => event === ':'),
    async [Symbol.asyncDispose]() {
      abort.abort()
      await ended
    },
  }
}

describe('single connection mode of GraphQL over SSE', () => {
  // Reservations of the test before end by time.
  beforeEach(() => eventually('no session', () => gateway.gateway.sessions.size === 0))

  test('carries the results of all operations in one stream, each with its id', async () => {
    const hub = watchHub(gateway.gateway.hub)
    const token = await reserve()
    await using stream = await open(token)
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    await stream.comment()
    expect((await ask('POST', { token, body: operation(listenTo('one'), 'a') })).status).toBe(202)
    expect((await ask('POST', { token, body: operation(listenTo('two'), 'ü') })).status).toBe(202)
    await hub.until(2)
    await ask('POST', { token, body: operation(publishTo('two', 2), 'p') })
    const events = [await stream.next(), await stream.next(), await stream.next()]
    expect(events).toContain('event: next\ndata: {"id":"ü","payload":{"data":{"channel":{"data":2}}}}')
    expect(events).toContain('event: complete\ndata: {"id":"p"}')
    expect((await ask('DELETE', { token, search: '?operationId=a' })).status).toBe(200)
    await hub.until(1)
    // Proxies need a sign of life.
    await stream.comment()
    await stream[Symbol.asyncDispose]()
    await hub.until(0)
    expect((await ask('POST', { token, body: operation(version, 'b') })).status).toBe(404)
  })

  test('takes operations before the stream, a token in the URL, and operations by GET', async () => {
    const token = await reserve()
    expect((await ask('POST', { token, body: operation(version, 'early') })).status).toBe(202)
    const search = new URLSearchParams({ query: version, extensions: '{"operationId":"get"}', token })
    expect((await ask('GET', { search: `?${search}`, headers: { accept: 'application/json' } })).status).toBe(202)
    await using stream = await open(token, `?token=${token}`)
    const events = [await stream.next(), await stream.next(), await stream.next(), await stream.next()]
    for (const id of ['early', 'get']) expect(events).toContain(`event: complete\ndata: {"id":"${id}"}`)
  })

  test.each<[string, number, object]>([
    ['no operation id', 400, { query: version }],
    ['an operation id that is no text', 400, operation(version, 1)],
    ['a long operation id', 400, operation(version, 'x'.repeat(257))],
    ['no query', 400, { extensions: { operationId: 'x' } }],
    ['variables that are no object', 400, { ...operation(version, 'x'), variables: 1 }],
    ['a document that is not valid', 400, operation('{ nothing }', 'x')],
    ['a document that cannot be read', 400, operation('{', 'x')],
    ['an id that is in use', 409, operation(version, 'used')],
  ])('refuses an operation with %s by status %d', async (_what, status, body) => {
    const token = await reserve()
    await ask('POST', { token, body: operation(listenTo('used'), 'used') })
    const response = await ask('POST', { token, body })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ errors: [{ message: expect.any(String) }] })
  })

  test('refuses unknown streams, a second stream, and what it cannot answer', async () => {
    const token = await reserve()
    await using stream = await open(token)
    expect(stream.response.status).toBe(200)
    expect((await open(token)).response.status).toBe(409)
    const accept = { accept: 'text/event-stream' }
    expect((await ask('POST', { token, headers: accept, body: operation(version, 'x') })).status).toBe(409)
    const unknown = '00000000-0000-4000-8000-000000000000'
    for (const method of ['GET', 'POST', 'DELETE']) {
      const body = method === 'POST' ? { body: operation(version, 'x') } : {}
      expect((await ask(method, { token: unknown, ...body })).status).toBe(404)
    }
    expect((await open(unknown, `?token=${unknown}`)).response.status).toBe(404)
    expect((await ask('DELETE', { token })).status).toBe(400)
    expect((await ask('PUT', { headers: { accept: 'application/json' } })).status).toBe(406)
    const headers = { accept: 'text/html' }
    expect((await ask('POST', { token, headers, body: operation(version, 'x') })).status).toBe(406)
    expect((await ask('PUT', { headers: bearer('none') })).status).toBe(401)
  })

  test('is the stream of one client: a request of another is refused, and a newer token renews it', async () => {
    const token = await reserve(bearer(await gateway.clientToken('owner')))
    await using stream = await open(token)
    const body = operation(listenTo('owner'), '1')
    const another = bearer(await gateway.clientToken('another'))
    expect((await ask('POST', { token, body, headers: another })).status).toBe(403)
    const mine = bearer(await gateway.clientToken('owner'))
    expect((await ask('POST', { token, body, headers: mine })).status).toBe(202)
    await gateway.gateway.revocations.revoke('owner')
    expect(await stream.next()).toBe('event: complete\ndata: {"id":"1"}')
    expect(await stream.ended).toBe('orderly')
  })

  test('drops a reservation without a stream', async () => {
    const before = gateway.gateway.sessions.size
    const token = await reserve()
    expect(gateway.gateway.sessions.size).toBe(before + 1)
    await eventually('the reservation to end', () => gateway.gateway.sessions.size === before)
    expect((await open(token)).response.status).toBe(404)
  })

  /** Subscribes with the published client in this mode, each to one channel. */
  function subscribe(names: readonly string[]) {
    const client = createClient({ url: gateway.graphqlUrl, headers: asOperator(), singleConnection: true })
    const received = new Inbox<unknown>('a result')
    for (const name of names) {
      client.subscribe(
        { query: listenTo(name) },
        {
          next: ({ data }) => received.push(data),
          error: (error) => received.end(error as Error),
          complete: () => undefined,
        },
      )
    }
    return { received, [Symbol.dispose]: () => client.dispose() }
  }

  async function publishEach(names: readonly string[]): Promise<void> {
    for (const name of names) {
      const response = await ask('POST', { headers: asOperator(), body: { query: publishTo(name, 1) } })
      expect(await response.json()).toMatchObject({ data: { publish: {} } })
    }
  }

  test('the published client has six subscriptions over one connection', async () => {
    const hub = watchHub(gateway.gateway.hub)
    const names = ['t1', 't2', 't3', 't4', 't5', 't6']
    {
      using client = subscribe(names)
      await hub.until(6)
      expect([...gateway.gateway.sessions].map(({ subscriptions }) => subscriptions)).toEqual([6])
      await publishEach(names)
      for (const _ of names) expect(await client.received.next()).toEqual({ channel: { data: 1 } })
    }
    await hub.until(0)
  })

  test('the published client comes back after its token has expired', async () => {
    const hub = watchHub(gateway.gateway.hub)
    {
      using client = subscribe(['again'])
      await hub.until(1)
      for (const session of gateway.gateway.sessions) session.close('TOKEN_EXPIRED')
      await hub.until(0)
      await hub.until(1)
      await publishEach(['again'])
      expect(await client.received.next()).toEqual({ channel: { data: 1 } })
    }
    await hub.until(0)
  })
})
