import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { connectGraphql, type GraphqlClient } from '../../../support/frames/graphql-frames.ts'
import { captureOutput } from '../../../support/gateway/captured-output.ts'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
let socket: GraphqlClient
let printed: ReturnType<typeof captureOutput>

beforeAll(async () => {
  gateway = await openGateway()
  socket = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
})
afterAll(async () => {
  await socket?.[Symbol.asyncDispose]()
  await gateway?.close()
})
beforeEach(() => {
  printed = captureOutput()
})
afterEach(() => printed.restore())

const headers = () => ({ authorization: `Bearer ${gateway.operatorToken}`, accept: 'application/json' })

async function post(body: object, more: Record<string, string> = {}) {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json', ...more },
    body: JSON.stringify(body),
  })
  return { status: response.status, text: await response.text() }
}

const version = '{ gateway { version } }'

describe('a GET', () => {
  test.each([
    ['variables', '{bad', '"variables": expected valid JSON'],
    ['variables', '{"a":1}}', '"variables": expected valid JSON'],
    ['variables', '[1]', '"variables"'],
    ['variables', '"text"', '"variables"'],
    ['variables', '7', '"variables"'],
    ['extensions', '{', '"extensions": expected valid JSON'],
    ['extensions', 'true', '"extensions"'],
  ])('with invalid %s %s is a bad request without a line in the log', async (name, value, words) => {
    const query = new URLSearchParams({ query: version, [name]: value })
    for (const accept of ['application/json', 'application/graphql-response+json', 'text/event-stream, */*;q=0.1']) {
      const response = await fetch(`${gateway.graphqlUrl}?${query}`, { headers: { ...headers(), accept } })
      const text = await response.text()
      expect(response.status).toBe(400)
      expect(text).toContain('"code":"BAD_REQUEST"')
      expect(text).toContain(JSON.stringify(words).slice(1, -1))
      expect(text).not.toMatch(/ {4}at |originalError/)
      if (words.includes('JSON')) expect(text).toContain(`"field":"${name}"`)
    }
    expect(printed.lines()).toEqual([])
  })

  test('with empty parameters has none of them', async () => {
    const query = new URLSearchParams({ query: version, operationName: '', variables: '', extensions: '' })
    const response = await fetch(`${gateway.graphqlUrl}?${query}`, { headers: headers() })
    expect(await response.json()).toEqual({ data: { gateway: { version: expect.any(String) } } })
  })
})

describe('an invalid value of a variable', () => {
  test.each<[string, string, Record<string, unknown> | undefined, string]>([
    ['a query', 'query Q($first: Int) { history(clientId: "a", first: $first) { hasMore } }', { first: 'x' }, 'first'],
    ['a query without its variable', 'query Q($id: ID!) { history(clientId: $id) { hasMore } }', undefined, 'id'],
    [
      'a mutation',
      'mutation M($input: PublishInput!) { publish(input: $input) { messageId } }',
      { input: { clientId: { a: 1 }, data: 1 } },
      'input.clientId',
    ],
    [
      'a mutation with a field that does not exist',
      'mutation M($input: PublishInput!) { publish(input: $input) { messageId } }',
      { input: { data: 1, ' at "fake";': 1 } },
      'input',
    ],
  ])('of %s carries BAD_USER_INPUT and the field', async (_what, query, variables, field) => {
    const errors = [{ extensions: { code: 'BAD_USER_INPUT', field } }]
    const { status, text } = await post({ query, variables })
    expect(JSON.parse(text)).toMatchObject({ errors })
    expect([status, JSON.parse(text).data]).toEqual([400, undefined])
    expect(await socket.request(query, variables ?? {})).toMatchObject({ errors })
    expect(printed.lines()).toEqual([])
  })

  test('of a subscription carries it too', async () => {
    const query = 'subscription S($id: ID!) { channel(clientId: $id) { data } }'
    const operation = socket.subscribe(query, { id: [] })
    const errors = [{ extensions: { code: 'BAD_USER_INPUT', field: 'id' } }]
    expect((await operation.next()).errors).toMatchObject(errors)
    const { text } = await post({ query, variables: { id: [] } }, { accept: 'text/event-stream' })
    expect(text).toContain('"code":"BAD_USER_INPUT"')
  })
})

test.each([
  ['subscription { channel(clientId: "a") @skip(if: true) { data } }', '@skip'],
  ['subscription S($a: Boolean!) { channel(clientId: "a") @include(if: $a) { data } }', '@include'],
  ['subscription S($a: Boolean!) { ... @include(if: $a) { channel(clientId: "a") { data } } }', '@include'],
  [
    'subscription S($a: Boolean!) { ...F } fragment F on Subscription { channel(clientId: "a") @skip(if: $a) { data } }',
    '@skip',
  ],
])('the validation refuses %s', async (query, directive) => {
  const message = expect.stringContaining(`${directive}: not allowed at the root of a subscription`)
  const { text } = await post({ query, variables: { a: true } }, { accept: 'text/event-stream' })
  expect(text).toContain(`${directive}: not allowed`)
  expect(await socket.subscribe(query, { a: true }).ended).toMatchObject([{ message }])
  expect(printed.lines()).toEqual([])
})

test('the validation accepts conditions below the root, and in other operations of the document', async () => {
  const query = `query Q($a: Boolean!) { gateway @skip(if: $a) { version } }
    subscription S($a: Boolean!) { channel(clientId: "a") { data @include(if: $a) kind } }`
  expect(JSON.parse((await post({ query, operationName: 'Q', variables: { a: true } })).text)).toEqual({ data: {} })
})

test('an empty operationName means none, over HTTP and WebSocket', async () => {
  expect(JSON.parse((await post({ query: version, operationName: '' })).text)).toHaveProperty('data.gateway')
  socket.frames.send({ id: 'unnamed', type: 'subscribe', payload: { query: version, operationName: '' } })
  const answer = JSON.parse(await socket.frames.nextMatching((text) => text.includes('"unnamed"')))
  expect(answer).toMatchObject({ type: 'next', payload: { data: { gateway: {} } } })
})

test('an empty Last-Event-ID means none', async () => {
  const query = 'subscription { channel(clientId: "quiet", checkpoints: true) { kind gap { reason } } }'
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { ...headers(), accept: 'text/event-stream', 'content-type': 'application/json', 'last-event-id': '' },
    body: JSON.stringify({ query }),
  })
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString()
    if (text.includes('data:')) break
  }
  expect(text).toContain('"kind":"CHECKPOINT","gap":null')
})
