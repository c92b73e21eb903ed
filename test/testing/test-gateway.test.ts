import { createRequire } from 'node:module'
import { describe, expect, test } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { startTestGateway, type TestGateway } from '../../src/testing/start-test-gateway.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'

const minute = 60_000
const sdl = `
  type Order { id: ID! total: Int! }
  type Subscription { orders: Order @events(exchange: "shop", routingKey: "order.placed") @allow }
`

/** A client without retries, the results of one subscription, and how its connection ended. */
function subscribe(gateway: TestGateway, token: string, query: string) {
  const results = new Inbox<unknown>('results')
  const client: Client = createClient({
    url: gateway.socketUrl,
    webSocketImpl: WebSocket,
    connectionParams: { token },
    retryAttempts: 0,
  })
  const closed = new Inbox<number>('close codes')
  client.on('closed', (event) => closed.push((event as { code: number }).code))
  client.subscribe({ query }, { next: (result) => results.push(result), error: () => {}, complete: () => {} })
  return { results, closed, [Symbol.asyncDispose]: async () => client.dispose() }
}

const channel = 'subscription { channel(clientId: "alice", checkpoints: true) { kind data type } }'

async function query(gateway: TestGateway, token: string, text: string): Promise<{ data: unknown }> {
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: text }),
  })
  return (await response.json()) as { data: unknown }
}

test('delivers what a test publishes, on a clock that the test moves', async () => {
  await using gateway = await startTestGateway({ sdl })
  const token = await gateway.token({ clientId: 'alice', ttlSeconds: 600 })
  await using alice = subscribe(gateway, token, channel)
  await alice.results.nextMatching((result) => JSON.stringify(result).includes('CHECKPOINT'))
  await gateway.publish({ clientId: 'alice', data: { order: 1 }, type: 'order.placed' })
  expect(await alice.results.next()).toEqual({
    data: { channel: { kind: 'MESSAGE', data: { order: 1 }, type: 'order.placed' } },
  })

  const reader = await gateway.token({ scope: ['operator'] })
  await using orders = subscribe(gateway, reader, 'subscription { orders { id total } }')
  // The subscription has begun when a message arrives. Each is another one.
  let id = 0
  const publish = async () => {
    id += 1
    await gateway.publish({ exchange: 'shop', routingKey: 'order.placed', data: { id: String(id), total: 5 } })
    return orders.results.waiting.length > 0
  }
  await eventually('an order', publish)
  expect(await orders.results.next()).toMatchObject({ data: { orders: { total: 5 } } })

  // The session ends when the token expires: 4291.
  const before = await gateway.clock.now()
  await gateway.clock.advance(9 * minute)
  expect(alice.closed.waiting).toEqual([])
  await gateway.clock.advance(2 * minute)
  expect(await alice.closed.next()).toBe(4291)
  expect((await gateway.clock.now()).getTime() - before.getTime()).toBeGreaterThanOrEqual(11 * minute)
  expect(Math.abs(Date.now() - before.getTime())).toBeLessThan(11 * minute)
  // The clock of signing is the same.
  expect(await query(gateway, await gateway.token({ clientId: 'alice' }), '{ gateway { broker } }')).toEqual({
    data: { gateway: { broker: 'UP' } },
  })
})

describe('a failure names its cause', () => {
  test.each([
    ['an unknown option', { options: { WARREN_PROT: '1' } }, 'WARREN_PROT'],
    ['an invalid schema', { sdl: 'type Subscription { a: B }' }, 'B'],
    ['two schemas', { sdl, schema: 'events.graphql' }, 'schema, sdl: expected one of them, not both'],
  ])('at the start: %s', async (_what, options, message) => {
    await expect(startTestGateway(options)).rejects.toThrow(message)
  })

  test('of a call, and after the end', async () => {
    const gateway = await startTestGateway()
    await expect(gateway.publish({ data: 1 })).rejects.toThrow('publish: expected a clientId or a routingKey')
    await expect(gateway.publish({ clientId: 'a', data: undefined })).rejects.toThrow(
      'data: expected a value that JSON can express',
    )
    await expect(gateway.token({ ttlSeconds: -1 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
    await expect(gateway.clock.advance(-1)).rejects.toThrow('expected a number of ms from 0 on, got -1')
    await gateway.close()
    await expect(gateway.token()).rejects.toThrow('the gateway is closed')
    await gateway.close()
  })
})

test('the package has the same as CommonJS', async () => {
  const { startTestGateway: start } = createRequire(import.meta.url)('@warren/testing') as {
    startTestGateway: typeof startTestGateway
  }
  await using gateway = await start()
  expect(await query(gateway, await gateway.token(), '{ gateway { broker } }')).toEqual({
    data: { gateway: { broker: 'UP' } },
  })
})
