import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { type TcpProxy, tcpProxy } from '../../support/network/tcp-proxy.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type Call, callerOf, listen, publish, Refused } from '../back-end/graphql-caller.ts'

const revoke = 'mutation Revoke($clientId: ID!) { revoke(clientId: $clientId) }'
/** The limit that the issue requires. */
const withinMs = 5_000

let postgres: Postgres
let vhost: TestVhost
let wayToBroker: TcpProxy
let a: GatewayProcess
let b: GatewayProcess
let onA: Call

beforeAll(async () => {
  postgres = await Postgres.start()
  vhost = await testVhost('revocation')
  const broker = new URL(vhost.url)
  wayToBroker = await tcpProxy(Number(broker.port))
  const throughProxy = new URL(vhost.url)
  throughProxy.port = String(wayToBroker.port)
  const shared = { WARREN_DATABASE_URL: await postgres.newDatabase(), WARREN_LOG_FORMAT: 'json' }
  a = await startGateway({ env: { ...shared, WARREN_BROKER_URL: vhost.url } })
  b = await startGateway({ env: { ...shared, WARREN_BROKER_URL: throughProxy.href } })
  onA = callerOf(a.graphqlUrl, await testToken({ scope: 'operator' }))
})

afterAll(async () => {
  await b?.[Symbol.asyncDispose]()
  await a?.[Symbol.asyncDispose]()
  await wayToBroker?.close()
  await vhost?.close()
  await postgres?.close()
})

/**
 * Revokes a client on one replica. Resolves to how long its session on the other continued, in
 * milliseconds.
 */
async function revokedAfter(clientId: string): Promise<number> {
  await using listener = await listen(b.graphqlSocketUrl, await testToken({ sub: clientId }), { clientId })
  const start = performance.now()
  expect(await onA(revoke, { clientId })).toEqual({ revoke: true })
  expect(await listener.closed).toMatchObject({ code: 4292 })
  return performance.now() - start
}

async function refusalOf(call: Promise<unknown>): Promise<string | undefined> {
  const error: unknown = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof Refused ? error.code : undefined
}

test('a revocation ends the sessions on another replica at once', async () => {
  expect(await revokedAfter('mallory')).toBeLessThan(withinMs)
})

test('and within seconds on one without a connection to the broker', async () => {
  wayToBroker.pause()
  try {
    expect(await revokedAfter('trudy')).toBeLessThan(withinMs)
  } finally {
    wayToBroker.cut()
    wayToBroker.resume()
    await b.ready()
  }
})

test('and applies on a replica that starts later', async () => {
  const token = await testToken({ sub: 'eve' })
  await onA(revoke, { clientId: 'eve' })
  await b.stop()
  await using later = await b.again()
  expect(await refusalOf(callerOf(later.graphqlUrl, token)('{ gateway { version } }'))).toBe('UNAUTHENTICATED')
  await later.stop()
})

test('while the registry is away, operations that need it are answered with REGISTRY_UNAVAILABLE, and channels continue', async () => {
  await using listener = await listen(a.graphqlSocketUrl, await testToken({ sub: 'frank' }), { clientId: 'frank' })
  await postgres.crash()
  const input = { clientId: 'grace', name: 'Grace', email: 'grace@example.com', password: 'correct horse' }
  const create = () =>
    onA('mutation Create($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }', {
      input,
    })
  expect(await refusalOf(create())).toBe('REGISTRY_UNAVAILABLE')
  expect(await refusalOf(onA(revoke, { clientId: 'frank' }))).toBe('REGISTRY_UNAVAILABLE')
  await onA(publish, { input: { clientId: 'frank', data: 'all the same' } })
  expect((await listener.next()).data).toBe('all the same')
  await eventually('the gateway to be unready', async () => (await a.readiness()) === 503)
  await postgres.start()
  await a.ready()
  expect(await create()).toHaveProperty('createClientChannel.token')
  expect(a.output()).toContain('the registry did not answer')
})
