import { expect } from '@jest/globals'
import { callerOf, channelQuery, publish } from '../../e2e/back-end/graphql-caller.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'

const renew = 'mutation Renew($token: String!) { refreshSession(token: $token) { clientId scope } }'

/**
 * Receives numbered messages on one socket for longer than its tokens are valid, and renews its
 * session halfway through each. Checks that each arrives once and in order, and that the session
 * ends with the last token. Resolves to the number of messages.
 */
export async function receiveUnderRenewedTokens(
  gateway: InProcessGateway,
  { ttlSeconds, forMs }: { ttlSeconds: number; forMs: number },
): Promise<number> {
  const clientId = 'steady'
  const newToken = () => testToken({ sub: clientId }, { ttl: `${ttlSeconds}s` })
  const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  await using client = await connectGraphql(gateway.graphqlSocketUrl, {
    connectionParams: { token: await newToken() },
  })
  const hub = watchHub(gateway.gateway.hub)
  const before = gateway.gateway.hub.size
  const operation = client.subscribe(channelQuery, { clientId })
  await hub.until(before + 1)

  const end = Date.now() + forMs
  let renewedAt = Date.now()
  let count = 0
  while (Date.now() < end) {
    if (Date.now() - renewedAt > (ttlSeconds * 1_000) / 2) {
      const renewed = await client.request(renew, { token: await newToken() })
      expect(renewed).toEqual({ data: { refreshSession: { clientId, scope: [] } } })
      renewedAt = Date.now()
    }
    await call(publish, { input: { clientId, data: count } })
    const { data } = await operation.next()
    expect(data?.['channel']).toMatchObject({ kind: 'MESSAGE', data: count })
    count += 1
  }
  expect(operation.waiting).toEqual([])
  expect(await client.closed).toEqual({ code: 4291, reason: 'Token expired' })
  return count
}
