import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { decodeJwt } from 'jose'
import { routes } from '../../../src/transports/rest/endpoint.ts'
import { openApiDocument } from '../../../src/transports/rest/openapi.ts'
import { listen } from '../../e2e/back-end/graphql-caller.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
let forTests: InProcessGateway
let open: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway({ WARREN_MAX_MESSAGE_BYTES: '64KiB' })
  forTests = await openGateway({ WARREN_TEST_ROUTES: 'on' })
  open = await openGateway({ WARREN_LEGACY_ACCESS: 'open' })
})
afterAll(() => Promise.all([gateway, forTests, open].map((one) => one?.close())))

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: unknown
}

const ajv = new Ajv2020({ strict: false })
ajv.addSchema({ $id: 'document', ...openApiDocument })

/** Sends a request and validates the response against the document that the gateway serves. */
async function ask(url: string, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(`${url}${path}`, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json')
  const body: unknown = isJson ? JSON.parse(text) : text
  const pathname = path.split('?')[0] ?? ''
  const pointer = (...parts: string[]) =>
    parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  const method = (init.method ?? 'GET').toLowerCase()
  const documented = (openApiDocument.paths as Record<string, Record<string, { responses: object }>>)[pathname]?.[
    method
  ]
  if (documented && response.status !== 413) {
    expect([path, Object.keys(documented.responses)]).toEqual([path, expect.arrayContaining([String(response.status)])])
    const type = isJson ? 'application/json' : 'text/plain'
    const at = pointer('paths', pathname, method, 'responses', String(response.status), 'content', type, 'schema')
    const validate = ajv.compile({ $ref: `document#${encodeURI(at)}` })
    expect([path, body, validate(body) ? null : validate.errors]).toEqual([path, body, null])
  }
  return { status: response.status, headers: response.headers, body }
}

const create = (given: object, url = gateway.url) =>
  ask(url, '/v1/create-channel-client', { method: 'POST', body: JSON.stringify(given) })

const alice = { clientId: 'alice', name: 'Alice', email: 'alice@example.com', password: 'correct horse' }

describe('POST /v1/create-channel-client', () => {
  test('creates a channel, and answers 200 and a fresh token to a repeat with the same password', async () => {
    const made = await create(alice)
    expect(made).toMatchObject({ status: 201, body: { channel: 'alice', clientId: 'alice' } })
    expect(await create(alice)).toMatchObject({ status: 200, body: { channel: 'alice' } })
    expect(await create({ ...alice, password: 'wrong' })).toMatchObject({
      status: 409,
      body: { error: { code: 'CLIENT_ID_TAKEN' } },
    })
    const { token, cursor } = made.body as { token: string; cursor: string }
    expect(decodeJwt(token)).toMatchObject({ sub: 'alice', scope: '' })
    await using listener = await listen(gateway.graphqlSocketUrl, token, { clientId: 'alice', after: cursor })
    await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.publisherToken}` },
      body: JSON.stringify({ query: 'mutation { publish(input: { clientId: "alice", data: 1 }) { messageId } }' }),
    })
    expect((await listener.next()).data).toBe(1)
  })

  test.each(['clientId', 'client_id', 'clientID', 'id'])('accepts the client id as %s', async (name) => {
    const { clientId: _, ...rest } = alice
    expect(await create({ ...rest, [name]: `by-${name}` })).toMatchObject({
      status: 201,
      body: { channel: `by-${name}` },
    })
    expect(await create({ ...rest, [name]: 'with space' })).toMatchObject({
      status: 400,
      body: { error: { field: name } },
    })
  })

  test('accepts a client id that is a number', async () => {
    expect(await create({ ...alice, clientId: 4711 })).toMatchObject({ status: 201, body: { clientId: '4711' } })
  })

  test.each([
    ['clientId', { ...alice, clientId: undefined }],
    ['clientId', { ...alice, clientId: '' }],
    ['clientId', { ...alice, clientId: ['alice'] }],
    ['name', { ...alice, name: undefined }],
    ['email', { ...alice, email: 'no-address' }],
    ['password', { ...alice, password: 7 }],
    ['body', []],
  ])('names %s if it is invalid', async (field, given) => {
    expect(await create(given)).toMatchObject({ status: 400, body: { error: { code: 'BAD_USER_INPUT', field } } })
  })

  test('reports a body that is not JSON, or too large', async () => {
    const broken = await ask(gateway.url, '/v1/create-channel-client', { method: 'POST', body: '{' })
    expect(broken).toMatchObject({ status: 400, body: { error: { field: 'body' } } })
    expect(await create({ ...alice, name: 'x'.repeat(70_000) })).toMatchObject({ status: 413 })
  })
})

describe('the other routes of the old systems', () => {
  test('GET /v1/create-rabbit-ch declares the default source, on each call, and is marked as deprecated', async () => {
    for (const _ of [1, 2]) {
      const { status, body, headers } = await ask(gateway.url, '/v1/create-rabbit-ch')
      expect([status, body]).toEqual([
        200,
        expect.objectContaining({ exchange: 'warren.events', routingKey: 'client.{clientId#}' }),
      ])
      expect(headers.get('deprecation')).toMatch(/^@\d+$/)
      expect(headers.get('link')).toContain('</graphql>; rel="successor-version"')
    }
  })

  test('GET /v1/publish-data-over-ch exists with test routes only, and publishes to a channel or to all channels with subscribers', async () => {
    expect((await ask(gateway.url, '/v1/publish-data-over-ch')).status).toBe(404)
    await using listener = await listen(forTests.graphqlSocketUrl, await forTests.clientToken('bob'), {
      clientId: 'bob',
    })
    expect(await ask(forTests.url, '/v1/publish-data-over-ch?clientId=bob&count=2')).toMatchObject({
      status: 200,
      body: { published: 2 },
    })
    expect(await ask(forTests.url, '/v1/publish-data-over-ch')).toMatchObject({ body: { channels: ['bob'] } })
    expect((await listener.take(3)).map(({ data }) => (data as { number: number }).number)).toEqual([1, 2, 1])
    expect(await ask(forTests.url, '/v1/publish-data-over-ch?count=0')).toMatchObject({
      status: 400,
      body: { error: { field: 'count' } },
    })
  })

  test('GET /jwt issues a publish token: to callers that may publish, and under open access to all', async () => {
    expect((await ask(gateway.url, '/jwt')).status).toBe(401)
    const requestToken = async (token: string) =>
      ask(gateway.url, '/jwt', { headers: { authorization: `Bearer ${token}` } })
    expect((await requestToken(await gateway.clientToken('alice'))).status).toBe(403)
    expect((await requestToken('no.such.token')).status).toBe(401)
    for (const answer of [await requestToken(gateway.publisherToken), await ask(open.url, '/jwt')]) {
      expect(decodeJwt((answer.body as { token: string }).token)).toMatchObject({
        scope: 'publish:warren.events:client.#',
      })
      expect(answer.headers.get('deprecation')).not.toBeNull()
    }
  })

  test('GET /health-check answers OK, and GET / that the gateway runs', async () => {
    expect(await ask(gateway.url, '/health-check')).toMatchObject({ status: 200, body: 'OK' })
    expect(await ask(gateway.url, '/')).toMatchObject({ status: 200, body: { status: 'ok' } })
  })
})

describe('every route', () => {
  test('is in the served document, and nothing else is', async () => {
    const { body } = await ask(gateway.url, '/openapi.json')
    expect(body).toEqual(JSON.parse(JSON.stringify(openApiDocument)))
    const documented = Object.entries(openApiDocument.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(documented.sort()).toEqual(['GET /', ...routes.map(({ method, path }) => `${method} ${path}`)].sort())
    for (const { path, deprecated = false } of routes) {
      const [operation] = Object.values((openApiDocument.paths as Record<string, object>)[path] ?? {})
      expect([path, (operation as { deprecated?: boolean }).deprecated ?? false]).toEqual([path, deprecated])
    }
  })

  test('names its method in the answer to another one', async () => {
    for (const { path, method } of routes) {
      const other = method === 'GET' ? 'POST' : 'GET'
      const response = await fetch(`${forTests.url}${path}`, { method: other })
      expect([path, response.status, response.headers.get('allow')]).toEqual([
        path,
        405,
        expect.stringContaining(method),
      ])
      await response.arrayBuffer()
    }
  })

  test('answers pages of its own origin, and no others', async () => {
    const from = (origin: string) => ask(gateway.url, '/health-check', { headers: { origin } })
    const own = await from('http://localhost:3000')
    expect([own.status, own.headers.get('access-control-allow-origin')]).toEqual([200, 'http://localhost:3000'])
    expect((await from('https://elsewhere.example')).status).toBe(403)
  })
})
