import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { SignJWT } from 'jose'
import { callerOf, channelQuery, listen, Refused } from '../e2e/back-end/graphql-caller.ts'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { testSecret, testToken } from '../support/gateway/gateway-process.ts'

const revoke = 'mutation Revoke($clientId: ID!) { revoke(clientId: $clientId) }'
const create = `mutation Create($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }`

let gateway: InProcessGateway

beforeAll(async () => {
  gateway = await openGateway()
})
afterAll(() => gateway.close())

const asOperator = () => callerOf(gateway.graphqlUrl, gateway.operatorToken)
const refusal = async (call: Promise<unknown>) => {
  const error: unknown = await call.catch((thrown: unknown) => thrown)
  return error instanceof Refused ? error.code : error
}

describe('a revoked client', () => {
  test('loses its sessions with 4292, and its tokens on every transport; other clients still receive events', async () => {
    const token = await gateway.clientToken('mallory')
    await using listener = await listen(gateway.graphqlSocketUrl, token, { clientId: 'mallory' })
    await using bystander = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('bob'), {
      clientId: 'bob',
    })
    const stream = await fetch(gateway.graphqlUrl, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query: channelQuery, variables: { clientId: 'mallory' } }),
    })
    expect(await asOperator()(revoke, { clientId: 'mallory' })).toEqual({ revoke: true })
    expect(await listener.closed).toEqual({ code: 4292, reason: 'Revoked' })
    // `complete`: an EventSource must not reconnect.
    expect(await stream.text()).toMatch(/event: complete\ndata:\n\n$/)

    expect(await refusal(callerOf(gateway.graphqlUrl, token)('{ clientChannel(clientId: "mallory") { name } }'))).toBe(
      'UNAUTHENTICATED',
    )
    const refusedSocket = listen(gateway.graphqlSocketUrl, token, { clientId: 'mallory' })
    await expect(refusedSocket).rejects.toThrow('4403')
    await using anonymous = await connectGraphql(gateway.graphqlSocketUrl)
    const headers = { Authorization: `Bearer ${token}` }
    anonymous.frames.send({
      id: 'borrowed',
      type: 'subscribe',
      payload: { query: channelQuery, variables: { clientId: 'mallory' }, extensions: { headers } },
    })
    expect(await anonymous.frames.nextMatching((text) => text.includes('borrowed'))).toContain('UNAUTHENTICATED')

    await asOperator()('mutation { publish(input: { clientId: "bob", data: 1 }) { messageId } }')
    expect((await bystander.next()).data).toBe(1)
  })

  test('is asked for a new token, and refused for good only if it is banned', async () => {
    const token = await gateway.clientToken('banned')
    const connect = () => listen(gateway.graphqlSocketUrl, token, { clientId: 'banned' })
    await asOperator()(revoke, { clientId: 'banned' })
    await expect(connect()).rejects.toThrow('4403')
    await asOperator()('mutation { ban(clientId: "banned") }')
    await expect(connect()).rejects.toThrow('4292')
  })

  test('gets no token for its password until unban, and then a valid one, even in the same second', async () => {
    const input = { clientId: 'returner', name: 'R', email: 'r@example.com', password: 'correct horse' }
    await asOperator()(create, { input })
    await asOperator()(revoke, { clientId: 'returner' })
    expect(await refusal(asOperator()(create, { input }))).toBe('FORBIDDEN')
    expect(await asOperator()('mutation { unban(clientId: "returner") }')).toEqual({ unban: true })
    const { createClientChannel } = await asOperator()<{ createClientChannel: { token: string } }>(create, { input })
    await using listener = await listen(gateway.graphqlSocketUrl, createClientChannel.token, { clientId: 'returner' })
    await asOperator()('mutation { publish(input: { clientId: "returner", data: 1 }) { messageId } }')
    expect((await listener.next()).data).toBe(1)
  })

  test('cannot be renewed by a token without its time of issue', async () => {
    await asOperator()(revoke, { clientId: 'timeless' })
    const token = await new SignJWT({ sub: 'timeless' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(testSecret))
    expect(await refusal(callerOf(gateway.graphqlUrl, token)('{ gateway { version } }'))).toBe('UNAUTHENTICATED')
  })

  test('can be revoked by an operator only', async () => {
    const call = callerOf(gateway.graphqlUrl, await testToken({ sub: 'bob', scope: 'publish channel:#' }))
    expect(await refusal(call(revoke, { clientId: 'bob' }))).toBe('FORBIDDEN')
    expect(await refusal(asOperator()(revoke, { clientId: 'with space' }))).toBe('BAD_USER_INPUT')
  })
})
