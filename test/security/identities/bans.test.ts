import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { openPostgresRegistry } from '../../../src/registries/postgres-registry.ts'
import { callerOf, listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'
import { Postgres } from '../../support/processes/postgres.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { ask, created, inputOf, outcomeOf, outcomeOfCreate } from './registrant.ts'

let postgres: Postgres
let vhost: TestVhost
beforeAll(async () => {
  postgres = await Postgres.start()
  vhost = await testVhost('bans')
})
afterAll(async () => {
  await vhost?.close()
  await postgres?.close()
})

const mutation = (name: string) => `mutation Do($clientId: ID!) { ${name}(clientId: $clientId) }`

/** A token with an `iat` after every ban of now. */
async function laterToken(clientId: string): Promise<string> {
  const signer = hmacSigner({ secret: testSecret })
  const issuedAfter = new Date(Date.now() + 60_000)
  return (await signer.sign({ clientId, scope: [], ttlSeconds: 3_600, issuedAfter })).token
}

/**
 * Two replicas on one registry. `bus`: if true, they also share a broker, and learn of each other's
 * changes at once.
 */
async function replicas({ bus }: { bus: boolean }) {
  const WARREN_DATABASE_URL = await postgres.newDatabase()
  const open = (broker: string) => openGateway({ WARREN_DATABASE_URL, WARREN_BROKER_URL: broker })
  const a = await open(bus ? vhost.url : 'memory:')
  const b = await open(bus ? vhost.url : 'memory:')
  return {
    a,
    b,
    databaseUrl: WARREN_DATABASE_URL,
    another: () => open('memory:'),
    onA: async (name: string, clientId: string) =>
      (await callerOf(a.graphqlUrl, a.operatorToken)(mutation(name), { clientId }))[name],
    async [Symbol.asyncDispose]() {
      await b.close()
      await a.close()
    },
  }
}

const version = '{ gateway { version } }'
const answerOf = async (gateway: InProcessGateway, token: string) =>
  outcomeOf(await ask(gateway.graphqlUrl, version, {}, { token }))

describe.each([{ bus: true }, { bus: false }])('two replicas, notified by a control message: $bus', (how) => {
  test('a ban ends sessions and refuses later tokens on both, until unban; earlier tokens stay refused', async () => {
    await using pair = await replicas(how)
    const { a, b, onA } = pair
    const { token } = await created(b.graphqlUrl, 'mallory')
    const later = await laterToken('mallory')
    await using listener = await listen(b.graphqlSocketUrl, later, { clientId: 'mallory' })
    expect(await onA('ban', 'mallory')).toBe(true)
    expect(await listener.closed).toEqual({ code: 4292, reason: 'Revoked' })
    for (const gateway of [a, b]) {
      expect(await answerOf(gateway, later)).toBe('UNAUTHENTICATED')
      expect(await outcomeOfCreate(gateway.graphqlUrl, inputOf('mallory'))).toBe('FORBIDDEN')
    }
    // A replica that starts later applies it too.
    {
      await using third = await pair.another()
      expect(await answerOf(third, later)).toBe('UNAUTHENTICATED')
    }
    expect(await onA('unban', 'mallory')).toBe(true)
    expect(await onA('unban', 'mallory')).toBe(false)
    await eventually(
      'the other replica to accept later tokens again',
      async () => (await answerOf(b, later)) === 'answered',
    )
    expect(await answerOf(b, token)).toBe('UNAUTHENTICATED')
    expect(await outcomeOfCreate(b.graphqlUrl, inputOf('mallory'))).toBe('answered')
  })

  test('a deletion on one revokes tokens and ends subscriptions on the other', async () => {
    await using pair = await replicas(how)
    const { b, onA } = pair
    const { token } = await created(b.graphqlUrl, 'leaver')
    await using listener = await listen(b.graphqlSocketUrl, token, { clientId: 'leaver' })
    expect(await onA('deleteClientChannel', 'leaver')).toBe(true)
    expect(await listener.operation.ended).toMatchObject([{ extensions: { code: 'CHANNEL_NOT_FOUND' } }])
    await eventually('the token to be revoked', async () => (await answerOf(b, token)) === 'UNAUTHENTICATED')
  })
})

test('a revoked id needs unban for its password, even if it was never registered', async () => {
  await using pair = await replicas({ bus: true })
  const { b, onA } = pair
  await onA('revoke', 'unregistered')
  expect(await outcomeOfCreate(b.graphqlUrl, inputOf('unregistered'))).toBe('FORBIDDEN')
  expect(await answerOf(b, await laterToken('unregistered'))).toBe('answered')
  await onA('unban', 'unregistered')
  expect(await outcomeOfCreate(b.graphqlUrl, inputOf('unregistered'))).toBe('answered')
})

test('a replica of the last release opens the database, and continues in it', async () => {
  const databaseUrl = await postgres.newDatabase()
  const registry = await openPostgresRegistry(databaseUrl)
  await registry.changeClientBar('mallory', { banned: true })
  // Its migrator refuses a database with unknown migrations.
  expect(await postgres.query('select name from warren_migrations order by name', databaseUrl)).toEqual([
    { name: '0001-clients-and-sources' },
    { name: '0002-revocations' },
  ])
  await postgres.query(
    `insert into warren_revocations (client_id, revoked_at) values ('mallory', '2024-01-01T00:00:00.000Z')`,
    databaseUrl,
  )
  expect(await registry.listRevocations()).toHaveLength(1)
  expect(await registry.findClientBar('mallory')).toMatchObject({ banned: true })
  await registry.close()
})
