import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals'
import { Hosts } from '../../../src/transports/http/hosts.ts'
import { Origins } from '../../../src/transports/http/origins.ts'
import { PageGuard } from '../../../src/transports/http/page-guard.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { startGateway } from '../../support/gateway/gateway-process.ts'
import { ask, upgrade } from '../ask.ts'

let gateway: InProcessGateway
let host: string

beforeAll(async () => {
  gateway = await openGateway({
    WARREN_TEST_ROUTES: 'on',
    WARREN_LEGACY_ACCESS: 'open',
    WARREN_ALLOWED_ORIGINS: 'https://app.example',
  })
  host = new URL(gateway.url).host
})
afterAll(() => gateway.close())
afterEach(() => {
  jest.restoreAllMocks()
})

const create = (clientId: string) =>
  `mutation { createClientChannel(input: { clientId: "${clientId}", name: "n", email: "n@example.com", password: "correct horse" }) { token } }`
const exists = async (clientId: string) => {
  const query = `{ clientChannel(clientId: "${clientId}") { name } }`
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` }
  const { body } = await ask(gateway.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return (JSON.parse(body) as { data: { clientChannel: object | null } }).data.clientChannel !== null
}

describe('a POST to /graphql', () => {
  test.each([
    'text/plain',
    'text/plain;charset=UTF-8',
    'text/plain; application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'application/graphql',
    'application/graphql+json',
    'application/jsonp',
    'application/json, text/plain',
    undefined,
  ])('of the type %s is refused with 415 and executes nothing', async (type) => {
    const query = create('posted')
    const body = type?.startsWith('multipart')
      ? `--b\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query })}\r\n--b\r\ncontent-disposition: form-data; name="map"\r\n\r\n{}\r\n--b--\r\n`
      : type?.includes('urlencoded')
        ? new URLSearchParams({ query }).toString()
        : type === 'application/graphql'
          ? query
          : JSON.stringify({ query })
    const answer = await ask(gateway.graphqlUrl, {
      method: 'POST',
      headers: type === undefined ? {} : { 'content-type': type },
      body,
    })
    expect(answer.status).toBe(415)
    expect(JSON.parse(answer.body)).toEqual({
      errors: [{ message: expect.stringContaining('application/json'), extensions: { code: 'BAD_USER_INPUT' } }],
    })
    expect(await exists('posted')).toBe(false)
  })

  test.each(['application/json', 'application/json; charset=utf-8', 'APPLICATION/JSON;CHARSET=UTF-8'])(
    'of the type %s is executed',
    async (type) => {
      const headers = { 'content-type': type }
      const body = '{"query":"{ gateway { version } }"}'
      const answer = await ask(gateway.graphqlUrl, { method: 'POST', headers, body })
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([200, { data: { gateway: {} } }])
    },
  )
})

describe('a GET of /graphql', () => {
  test('never executes a mutation', async () => {
    for (const extra of ['', '&operationName=M']) {
      const query =
        extra === '' ? create('got') : `query Q { __typename } ${create('got').replace('mutation', 'mutation M')}`
      const answer = await ask(`${gateway.graphqlUrl}?query=${encodeURIComponent(query)}${extra}`)
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST'])
    }
    expect(await exists('got')).toBe(false)
  })

  test('runs a query and a subscription, without any header and from an EventSource', async () => {
    const query = await ask(`${gateway.graphqlUrl}?query=${encodeURIComponent('{ gateway { version } }')}`)
    expect(query.status).toBe(200)
    const subscription = encodeURIComponent('subscription { channel(clientId: "a") { data } }')
    const stream = await ask(`${gateway.graphqlUrl}?query=${subscription}&token=${await gateway.clientToken('a')}`, {
      headers: { accept: 'text/event-stream', origin: 'https://app.example', 'sec-fetch-site': 'cross-site' },
    })
    expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8'])
    expect(stream.headers['access-control-allow-origin']).toBe('https://app.example')
  })
})

/** The headers of browsers; if the gateway answers; and if the page may read the answer. */
const requests: [string, Record<string, string>, boolean][] = [
  ['a program', {}, true],
  ['the address bar', { 'sec-fetch-site': 'none' }, true],
  ['its own page', { 'sec-fetch-site': 'same-origin' }, true],
  ['an image on another site', { 'sec-fetch-site': 'cross-site' }, false],
  ['an image on another port or name of the same site', { 'sec-fetch-site': 'same-site' }, false],
  ['a page of an allowed origin', { 'sec-fetch-site': 'cross-site', origin: 'https://app.example' }, true],
  ['the same, with the port and in capitals', { origin: 'HTTPS://App.Example:443' }, true],
  ['the same host over plain HTTP', { origin: 'http://app.example' }, false],
  ['the same host on another port', { origin: 'https://app.example:8443' }, false],
  ['a page on this machine', { 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' }, true],
  ['another page on this machine', { origin: 'http://app.localhost:5173' }, true],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, false],
  ['a site with the same first letters', { origin: 'https://app.example.evil.example' }, false],
  ['a site with the same last letters', { origin: 'http://notlocalhost:5173' }, false],
  ['a page in a sandbox', { 'sec-fetch-site': 'cross-site', origin: 'null' }, false],
  ['what is no origin', { origin: 'app.example' }, false],
]

describe.each([
  ['a query', 'GET', '/graphql?query={__typename}'],
  ['a query over POST', 'POST', '/graphql'],
  ['a test route', 'GET', '/v1/publish-data-over-ch?clientId=a'],
  ['a route that declares', 'GET', '/v1/create-rabbit-ch'],
  ['a publisher token', 'GET', '/jwt'],
  ['a registration', 'POST', '/v1/create-channel-client'],
  ['an upgrade to /graphql', 'UPGRADE', '/graphql'],
  ['an upgrade to /ws', 'UPGRADE', '/ws'],
  ['an upgrade to SocketCluster', 'UPGRADE', '/socketcluster/'],
])('%s', (_what, method, path) => {
  test.each(requests)('from %s (%j) is answered: %s', async (_from, headers, allowed) => {
    const answer = await ask(gateway.url + path, {
      ...(method === 'UPGRADE' ? {} : { method }),
      headers: {
        ...(method === 'UPGRADE' ? upgrade : {}),
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...headers,
      },
      ...(method === 'POST' ? { body: '{"query":"{ __typename }"}' } : {}),
    })
    if (!allowed) expect([answer.status, answer.body]).toEqual([403, expect.stringContaining('WARREN_ALLOWED_ORIGINS')])
    else expect(answer.status).not.toBe(403)
    if (method !== 'UPGRADE')
      expect(answer.headers['access-control-allow-origin']).toBe(allowed ? headers['origin'] : undefined)
  })
})

test('the own origin matches in any case, and with or without the default port of its scheme', async () => {
  const answered = async (origin: string, as: string) =>
    (await ask(`${gateway.url}/health-check`, { headers: { origin, host: as } })).status === 200
  await using beyond = await openGateway({ WARREN_ALLOWED_HOSTS: '*' })
  const own = async (origin: string, as: string) =>
    (await ask(`${beyond.url}/health-check`, { headers: { origin, host: as } })).status === 200
  expect(await answered(`HTTP://${host}`, host)).toBe(true)
  expect(await own('https://warren.example', 'Warren.Example:443')).toBe(true)
  expect(await own('https://warren.example:443', 'warren.example')).toBe(true)
  expect(await own('http://warren.example', 'warren.example:80')).toBe(true)
  expect(await own('http://warren.example', 'warren.example:443')).toBe(false)
  expect(await own('https://warren.example', 'warren.example:8443')).toBe(false)
  expect(await own('https://warren.example', 'user@warren.example')).toBe(false)
})

test('no answer can be shown in a frame, pages and errors alike', async () => {
  const page = { accept: 'text/html' }
  const answers = [
    await ask(`${gateway.url}/`, { headers: page }),
    await ask(`${gateway.url}/client`, { headers: page }),
    await ask(gateway.graphqlUrl, { headers: page }),
    await ask(`${gateway.url}/nothing`, { headers: page }),
    await ask(`${gateway.url}/`, { method: 'DELETE' }),
    await ask(gateway.graphqlUrl, { method: 'POST' }),
    await ask(`${gateway.graphqlUrl}?query={__typename}`),
    await ask(`${gateway.url}/openapi.json`),
    await ask(`${gateway.url}/jwt`, { headers: { origin: 'https://evil.example' } }),
    await ask(`${gateway.url}/`, { headers: { host: 'evil.example' } }),
    await ask(`${gateway.url}/ws`, { headers: { ...upgrade, origin: 'https://evil.example' } }),
  ]
  for (const { headers } of answers) {
    expect(headers['x-frame-options']).toBe('DENY')
    expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
  }
})

test('a refusal is logged with escaped origin and host, and the option that would allow it', async () => {
  await using own = await startGateway({ env: { WARREN_LOG_FORMAT: 'json' } })
  const origin = 'https://evil.example\u009b31m'
  await ask(`${own.url}/jwt`, { headers: { origin } })
  await ask(`${own.url}/ws`, { headers: { ...upgrade, origin: 'https://other.example' } })
  await ask(`${own.url}/livez`, { headers: { host: 'rebound.example:4000' } })
  await own.printed(/rebound\.example/)
  const lines = () =>
    own
      .output()
      .split('\n')
      .filter((line) => line.includes('was refused'))
  expect(lines().map((line) => JSON.parse(line) as object)).toMatchObject([
    { origin: 'https://evil.example\\u009b31m', host: `127.0.0.1:${own.port}`, option: 'WARREN_ALLOWED_ORIGINS' },
    { origin: 'https://other.example', host: `127.0.0.1:${own.port}`, option: 'WARREN_ALLOWED_ORIGINS' },
    { host: 'rebound.example:4000', option: 'WARREN_ALLOWED_HOSTS' },
  ])
})

test('a page that retries without end does not fill the log', () => {
  let lines = 0
  let now = 12_345
  jest.spyOn(Date, 'now').mockImplementation(() => now)
  const guard = new PageGuard({
    origins: new Origins([]),
    hosts: new Hosts({ bound: '127.0.0.1', allowed: [], origins: [] }),
    log: () => {
      lines += 1
    },
  })
  const retry = () => {
    for (let n = 0; n < 1_000; n += 1) expect(guard.refusalOfPage({ origin: 'https://evil.example' })).toBeDefined()
  }
  retry()
  expect(lines).toBe(10)
  now = 12_999
  retry()
  expect(lines).toBe(10)
  now = 13_000
  retry()
  expect(lines).toBe(20)
})
