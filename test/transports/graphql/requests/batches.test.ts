import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../../../support/gateway/gateway-in-process.ts'

const version = { query: '{ gateway { version } }' }
const times = (length: number) => Array.from({ length }, () => version)
const answered = { data: { gateway: { version: expect.any(String) } } }

async function post(gateway: InProcessGateway, body: unknown, token = gateway.operatorToken) {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${token}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
}

test('a list is refused with a sentence unless batches are on', async () => {
  await using gateway = await openGateway()
  expect(await post(gateway, [version])).toMatchObject({
    status: 400,
    body: { errors: [{ message: expect.stringContaining('WARREN_MAX_BATCH'), extensions: { code: 'BAD_REQUEST' } }] },
  })
})

describe('a batch', () => {
  let gateway: InProcessGateway
  beforeAll(async () => {
    gateway = await openGateway({ WARREN_MAX_BATCH: '5' })
  })
  afterAll(() => gateway.close())

  test('is answered in its order, each operation by itself', async () => {
    const history = 'query Q($first: Int) { history(clientId: "a", first: $first) { hasMore } }'
    const publish = 'mutation { publish(input: { clientId: "a", data: 12345678901234567890 }) { messageId } }'
    const operations = [
      version,
      { query: '{ nonsense }' },
      { query: history, variables: { first: 'x' } },
      { query: publish },
      { ...version, operationName: '' },
    ]
    const { status, body } = await post(gateway, operations)
    expect(status).toBe(200)
    expect(body).toEqual([
      answered,
      { errors: [expect.objectContaining({ message: expect.stringContaining('nonsense') })] },
      { errors: [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT', field: 'first' } })] },
      { data: { publish: { messageId: expect.any(String) } } },
      answered,
    ])
  })

  test('of subscriptions is refused, and opens none', async () => {
    const subscription = { query: 'subscription { channel(clientId: "a") { data } }' }
    const { body } = await post(gateway, [version, subscription])
    expect(body).toEqual([
      answered,
      { errors: [expect.objectContaining({ extensions: { code: 'BAD_USER_INPUT', field: 'query' } })] },
    ])
    expect(gateway.gateway.hub.size).toBe(0)
  })

  test.each([
    ['[]', 400, 'BAD_REQUEST'],
    [JSON.stringify(times(6)), 400, 'LIMIT_EXCEEDED'],
    [`[${'0,'.repeat(20_000)}0]`, 400, 'LIMIT_EXCEEDED'],
  ])('of another length is refused: %.20s', async (text, status, code) => {
    expect(await post(gateway, text)).toMatchObject({ status, body: { errors: [{ extensions: { code } }] } })
  })

  test('answers what is no operation in its place', async () => {
    const bad = { errors: [expect.objectContaining({ extensions: { code: 'BAD_REQUEST' } })] }
    const { body } = await post(gateway, `[7, 1.10, null, [], ${JSON.stringify(version)}]`)
    expect(body).toEqual([bad, bad, bad, bad, answered])
  })
})

test('each operation of a batch counts for the rate', async () => {
  await using gateway = await openGateway({ WARREN_MAX_BATCH: '5', WARREN_MAX_SUBSCRIBE_RATE: '1' })
  expect(await post(gateway, times(5), await gateway.clientToken('busy'))).toMatchObject({
    status: 429,
    retryAfter: '1',
    body: { errors: [{ extensions: { code: 'LIMIT_EXCEEDED', limit: 'WARREN_MAX_SUBSCRIBE_RATE' } }] },
  })
})
