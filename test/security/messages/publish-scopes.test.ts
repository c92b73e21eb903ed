import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { parseScope, printScope, publishWord } from '../../../src/core/model/identity.ts'
import { callerOf, createRabbitChannel, publish, Refused } from '../../e2e/back-end/graphql-caller.ts'
import { connectFramed } from '../../support/frames/framed.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'

let gateway: InProcessGateway
let tcpPort: number

beforeAll(async () => {
  tcpPort = await freePort()
  gateway = await openGateway({ WARREN_TCP_PORT: String(tcpPort), WARREN_PUBLISH_EXCHANGES: 'sources,extra,list.*' })
  const operator = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  // A source with a name like a gateway's own exchange is refused too.
  for (const exchange of ['orders', 'orders.eu', 'shop: news', 'door.control', 'other.quarantine']) {
    const input = { exchange, exchangeType: 'FANOUT', clientId: { everyone: true } }
    await operator(createRabbitChannel, { input })
  }
  for (const exchange of ['extra', 'list.a', 'list.a.b', 'private']) {
    // Existing exchanges that are not sources.
    const input = { exchange, exchangeType: 'FANOUT', clientId: { everyone: true } }
    const { createRabbitChannel: source } = await operator<{ createRabbitChannel: { id: string } }>(
      createRabbitChannel,
      { input },
    )
    await operator('mutation ($id: ID!) { deleteRabbitChannel(id: $id) }', { id: source.id })
  }
})
afterAll(() => gateway.close())

async function outcomeOf(scope: string, input: Record<string, unknown>): Promise<string> {
  try {
    await callerOf(gateway.graphqlUrl, await testToken({ scope }))(publish, { input: { data: 1, ...input } })
    return 'published'
  } catch (error) {
    // The embedded broker answers this for an exchange without a binding, so the publication was
    // permitted.
    return error instanceof Refused ? (error.code === 'BAD_USER_INPUT' ? 'let through' : String(error.code)) : 'failed'
  }
}

const to = (exchange: string, routingKey = 'k') => ({ exchange, routingKey })
const alice = { clientId: 'alice' }

describe('a token', () => {
  test.each([
    ['publish', alice, 'published'],
    ['publish', to('orders'), 'published'],
    ['publish', to('extra'), 'FORBIDDEN'],
    ['publish', to('nowhere'), 'FORBIDDEN'],
    ['publish:orders', to('orders'), 'published'],
    ['publish:orders', to('orders.eu'), 'FORBIDDEN'],
    ['publish:orders', alice, 'FORBIDDEN'],
    ['publish:orders.*', to('orders.eu'), 'published'],
    ['publish:orders.#:a.*', to('orders', 'a.b'), 'published'],
    ['publish:orders.#:a.*', to('orders', 'a.b.c'), 'FORBIDDEN'],
    ['publish:orders:a:b', to('orders', 'a:b'), 'published'],
    ['publish:orders:', to('orders', ''), 'published'],
    ['publish:orders:', to('orders', 'k'), 'FORBIDDEN'],
    ['publish:shop%3A%20news', to('shop: news'), 'published'],
    ['publish:shop', to('shop: news'), 'FORBIDDEN'],
    ['publish:extra', to('extra'), 'let through'],
    ['publish:list.#', to('list.a'), 'let through'],
    ['publish:list.#', to('list.a.b'), 'FORBIDDEN'],
    ['publish:warren.events:client.#', alice, 'published'],
    ['publish:warren.events:client.bob', alice, 'FORBIDDEN'],
    ['publish:#', to('private'), 'FORBIDDEN'],
    ['publish:#', to(''), 'let through'],
    ['publish:%', alice, 'UNAUTHENTICATED'],
    ['publish:', alice, 'UNAUTHENTICATED'],
    ['channel:#', alice, 'FORBIDDEN'],
    ['operator', to('orders'), 'published'],
    ['operator', to('private'), 'FORBIDDEN'],
    ['operator', to('list.a'), 'let through'],
    ['operator', to('warren.control', 'control'), 'FORBIDDEN'],
    ['operator', to('warren.quarantine'), 'FORBIDDEN'],
    ['operator publish:#', to('other.quarantine'), 'FORBIDDEN'],
    ['operator publish:#', to('door.control'), 'FORBIDDEN'],
    ['operator', to('other.journal.0'), 'FORBIDDEN'],
  ])('with scope %s that publishes to %j: %s', async (scope, input, expected) => {
    expect(await outcomeOf(scope, input)).toBe(expected)
  })

  test.each(['x-warren-reason', 'X-Warren-Idempotency-Key', 'x-warren-'])('may not set the header %s', async (name) => {
    const input = { clientId: 'alice', data: 1, headers: { [name]: 'forged' } }
    const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
    await expect(call(publish, { input })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })

  test('has the same limits over TCP', async () => {
    await using client = await connectFramed(tcpPort)
    await client.ask({ action: 'authenticate', id: 1, token: await testToken({ sub: 'p', scope: 'publish:orders:a' }) })
    const publishOverTcp = async (id: number, exchange: string, routingKey: string) =>
      client.ask({ action: 'publish', id, exchange, routingKey, data: 1 })
    expect(await publishOverTcp(2, 'orders', 'a')).toMatchObject({ result: { messageId: expect.any(String) } })
    for (const [exchange, key] of [
      ['orders', 'b'],
      ['warren.events', 'client.alice'],
    ] as const)
      expect(await publishOverTcp(3, exchange, key)).toMatchObject({ error: { code: 'FORBIDDEN' } })
  })

  test('with another exchange is not exchanged for one that publishes to every client', async () => {
    const statusOf = async (scope: string) =>
      (await fetch(`${gateway.url}/jwt`, { headers: { authorization: `Bearer ${await testToken({ scope })}` } })).status
    expect(await statusOf('publish')).toBe(200)
    expect(await statusOf('publish:#')).toBe(200)
    expect(await statusOf('publish:orders')).toBe(403)
    expect(await statusOf('publish:warren.events:client.bob')).toBe(403)
  })
})

test('GET /jwt issues a token for clients on the default source, and for nothing more', async () => {
  await using open = await openGateway({ WARREN_LEGACY_ACCESS: 'open', WARREN_PUBLISH_EXCHANGES: '#' })
  const { token } = (await (await fetch(`${open.url}/jwt`)).json()) as { token: string }
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { scope: string }
  expect(claims.scope).toBe('publish:warren.events:client.#')
  const call = callerOf(open.graphqlUrl, token)
  await call(publish, { input: { clientId: 'alice', data: 1 } })
  for (const input of [to('warren.events', 'other'), to('amq.topic'), to('wsmanager')])
    await expect(call(publish, { input: { ...input, data: 1 } })).rejects.toMatchObject({ code: 'FORBIDDEN' })
  // It renews itself.
  const again = await fetch(`${open.url}/jwt`, { headers: { authorization: `Bearer ${token}` } })
  expect(again.status).toBe(200)
})

test('another deployment’s own exchange must be named in full to be published to', async () => {
  await using strict = await openGateway({ WARREN_PUBLISH_EXCHANGES: '#' })
  await using named = await openGateway({ WARREN_PUBLISH_EXCHANGES: 'sources,other.control' })
  const refusal = async ({ graphqlUrl, operatorToken }: InProcessGateway, exchange: string) =>
    callerOf(graphqlUrl, operatorToken)(publish, { input: { ...to(exchange), data: 1 } }).then(
      () => 'published',
      (error: Refused) => error.code,
    )
  expect(await refusal(strict, 'other.control')).toBe('FORBIDDEN')
  expect(await refusal(strict, 'a-b_c.quarantine')).toBe('FORBIDDEN')
  // The exchange does not exist.
  expect(await refusal(strict, 'other')).toBe('BAD_USER_INPUT')
  expect(await refusal(named, 'other.control')).toBe('BAD_USER_INPUT')
  expect(await refusal(named, 'warren.control')).toBe('FORBIDDEN')
})

test('a scope is printed as it was read, and a word without an exchange permits nothing', () => {
  const words = ['publish', 'publish:a%3Ab:c:d', 'channel:x']
  expect(printScope(parseScope(words.join(' ')))).toEqual(words)
  expect(parseScope('publish:a%3Ab%25:c:d').publishTo).toMatchObject([{ exchange: 'a:b%', routingKey: 'c:d' }])
  expect(parseScope('publish: publish::k publish:%zz').publishTo).toEqual([])
  expect(publishWord('a: b%', 'k.#')).toBe('publish:a%3A%20b%25:k.#')
})
