import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { channelQuery, type DeliveredEvent, listen } from '../../e2e/back-end/graphql-caller.ts'
import { connectGraphql, type GraphqlClient, type Operation } from '../../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { repetitions } from '../../support/repetitions.ts'
import { receiveUnderRenewedTokens } from './renewing-listener.ts'

const renew = 'mutation Renew($token: String!) { refreshSession(token: $token) { clientId scope expiresAt } }'

/**
 * An hour with tokens of one minute: RENEWAL_MINUTES=60 npm test --
 * test/transports/renewal/renewed-sessions.test.ts
 */
const minutes = Number(process.env['RENEWAL_MINUTES'] ?? 0)
const renewal =
  minutes > 0 ? { ttlSeconds: 60, forMs: minutes * 60_000 } : { ttlSeconds: 3, forMs: repetitions(4_000, 7_000) }

let gateway: InProcessGateway
let operator: GraphqlClient

beforeAll(async () => {
  gateway = await openGateway()
  operator = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: gateway.operatorToken } })
})
afterAll(async () => {
  await operator[Symbol.asyncDispose]()
  await gateway.close()
})

const tokenOf = (sub: string, ttl: string, scope?: string) =>
  testToken({ sub, ...(scope === undefined ? {} : { scope }) }, { ttl })
const connectAs = (token: string) => connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })

async function publishTo(clientId: string, data: unknown): Promise<void> {
  const { errors } = await operator.request(
    'mutation Publish($input: PublishInput!) { publish(input: $input) { messageId } }',
    { input: { clientId, data } },
  )
  expect(errors).toBeUndefined()
}

async function subscribed(client: GraphqlClient, clientId: string): Promise<Operation> {
  const hub = watchHub(gateway.gateway.hub)
  const before = gateway.gateway.hub.size
  const operation = client.subscribe(channelQuery, { clientId })
  await hub.until(before + 1)
  return operation
}

async function nextEvent(operation: Operation): Promise<DeliveredEvent> {
  return (await operation.next()).data?.['channel'] as DeliveredEvent
}

describe('a session with an expiring token', () => {
  test('is ended with 4291, and its cursor resumes under the next token without a hole', async () => {
    await using client = await connectAs(await tokenOf('mayfly', '2s'))
    const operation = await subscribed(client, 'mayfly')
    await publishTo('mayfly', 1)
    const { data, cursor } = await nextEvent(operation)
    expect(data).toBe(1)
    expect(await client.closed).toEqual({ code: 4291, reason: 'Token expired' })
    await publishTo('mayfly', 2)
    await using again = await listen(gateway.graphqlSocketUrl, await tokenOf('mayfly', '1h'), {
      clientId: 'mayfly',
      after: cursor,
    })
    await publishTo('mayfly', 3)
    expect((await again.take(2)).map((event) => event.data)).toEqual([2, 3])
  })

  test('over server-sent events breaks off, so that the client reconnects', async () => {
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        authorization: `Bearer ${await tokenOf('short', '2s')}`,
      },
      body: JSON.stringify({ query: channelQuery, variables: { clientId: 'short' } }),
    })
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow()
  })

  test(
    `that is renewed in time continues, and misses nothing: ${renewal.forMs / 1_000} s with tokens of ${renewal.ttlSeconds} s`,
    async () => {
      // How many depends on the machine.
      expect(await receiveUnderRenewedTokens(gateway, renewal)).toBeGreaterThan(10)
    },
    renewal.forMs + 120_000,
  )
})

describe('a session', () => {
  test('accepts no token of another client, no invalid one, and none without scopes', async () => {
    await using client = await connectAs(await tokenOf('alice', '1h'))
    const codeOf = async (token: string) => {
      const { errors } = await client.request(renew, { token })
      return errors?.[0]?.extensions?.['code']
    }
    expect(await codeOf(await tokenOf('bob', '1h'))).toBe('FORBIDDEN')
    expect(await codeOf(gateway.operatorToken)).toBe('FORBIDDEN')
    expect(await codeOf('not-a-token')).toBe('UNAUTHENTICATED')
    expect(await codeOf('')).toBe('BAD_USER_INPUT')
    expect(await codeOf(await testToken({}))).toBe('BAD_USER_INPUT')
    expect(await client.request('{ clientChannel(clientId: "alice") { name } }')).toEqual({
      data: { clientChannel: null },
    })
  })

  test('that is anonymous belongs to the client of the first token', async () => {
    await using client = await connectGraphql(gateway.graphqlSocketUrl)
    expect(await client.request(renew, { token: await tokenOf('late', '1h') })).toMatchObject({
      data: { refreshSession: { clientId: 'late' } },
    })
    await subscribed(client, 'late')
  })

  test('keeps what the new token permits, and loses the rest', async () => {
    await using client = await connectAs(await tokenOf('carol', '1h', 'channel:team.*'))
    const own = await subscribed(client, 'carol')
    const team = await subscribed(client, 'team.a')
    expect(await client.request(renew, { token: await tokenOf('carol', '1h') })).toMatchObject({
      data: { refreshSession: { scope: [] } },
    })
    expect(await team.ended).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
    await publishTo('carol', 'still here')
    expect((await nextEvent(own)).data).toBe('still here')
  })

  test('does not exist over HTTP: each request has its own token', async () => {
    const response = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` },
      body: JSON.stringify({ query: renew, variables: { token: gateway.operatorToken } }),
    })
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'token' } }],
    })
  })
})

describe('an operation with its own token', () => {
  const payloadOf = (token: string, clientId: string) => ({
    query: channelQuery,
    variables: { clientId },
    extensions: { headers: { Authorization: `Bearer ${token}` } },
  })

  test('ends with its token, and the session of its socket continues', async () => {
    await using client = await connectAs(await tokenOf('host', '1h'))
    client.frames.send({ id: 'guest', type: 'subscribe', payload: payloadOf(await tokenOf('guest', '2s'), 'guest') })
    const end = JSON.parse(await client.frames.nextMatching((text) => text.includes('"guest"')))
    expect(end).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'UNAUTHENTICATED' } }] })
    expect(await client.request('{ gateway { version } }')).toMatchObject({ data: { gateway: {} } })
  })

  test('counts among the subscriptions of its socket, for any client', async () => {
    await using own = await openGateway({ WARREN_MAX_SUBSCRIPTIONS: '3' })
    await using client = await connectGraphql(own.graphqlSocketUrl)
    const hub = watchHub(own.gateway.hub)
    for (const id of ['a', 'b', 'c', 'd']) {
      client.frames.send({ id, type: 'subscribe', payload: payloadOf(await tokenOf(id, '1h'), id) })
    }
    const refused = JSON.parse(await client.frames.nextMatching((text) => text.includes('LIMIT_EXCEEDED')))
    expect(refused).toMatchObject({
      id: 'd',
      payload: { errors: [{ extensions: { limit: 'WARREN_MAX_SUBSCRIPTIONS' } }] },
    })
    await hub.until(3)
    expect(own.gateway.sessions.size).toBe(1)
  })
})
