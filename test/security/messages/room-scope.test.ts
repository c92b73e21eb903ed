import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { connectFrames } from '../../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { runWarren, testSecret, testToken } from '../../support/gateway/gateway-process.ts'
import { ask } from '../ask.ts'

const wsUrl = (of: InProcessGateway, query: Record<string, string>) =>
  `${of.url.replace('http', 'ws')}/ws?${new URLSearchParams(query).toString()}`

async function registered(of: InProcessGateway, clientId: string): Promise<string> {
  const body = JSON.stringify({ clientId, name: 'n', email: 'n@example.com', password: 'correct horse' })
  const answer = await ask(`${of.url}/v1/create-channel-client`, { method: 'POST', body })
  return (JSON.parse(answer.body) as { token: string }).token
}

describe('if tokens are required', () => {
  let gateway: InProcessGateway
  beforeAll(async () => {
    gateway = await openGateway({ WARREN_TEST_ROUTES: 'on' })
  })
  afterAll(() => gateway.close())

  test('a client that registered itself neither joins the room nor reaches it', async () => {
    const token = await registered(gateway, 'alice')
    await using member = await connectFrames(wsUrl(gateway, { token: gateway.operatorToken }))
    await using anonymous = await connectFrames(wsUrl(gateway, { envelope: 'json' }))
    anonymous.send({ token })
    anonymous.send('let me in')
    expect(JSON.parse(await anonymous.next())).toMatchObject({
      kind: 'error',
      error: { code: 'FORBIDDEN', message: expect.stringContaining('the scope room') },
    })
    expect(await anonymous.closed).toMatchObject({ code: 4292 })
    await using speaker = await connectFrames(wsUrl(gateway, { token: await scoped('room') }))
    speaker.send('hello')
    expect(await member.next()).toBe('hello')
    expect(member.waiting).toEqual([])
  })

  test.each(['publish', 'channel:#', 'publish channel:#'])('nor does a token with the scope %s', async (scope) => {
    await using client = await connectFrames(wsUrl(gateway, { token: await scoped(scope) }))
    expect(await client.closed).toMatchObject({ code: 4292 })
  })

  test('it subscribes to its own channel at the same endpoint', async () => {
    const token = await registered(gateway, 'bob')
    await using listener = await connectFrames(wsUrl(gateway, { token, channel: 'bob' }))
    expect(JSON.parse(await listener.next())).toEqual({ kind: 'joined', channel: 'bob' })
    await ask(`${gateway.url}/v1/publish-data-over-ch?clientId=bob`)
    expect(JSON.parse(await listener.next())).toMatchObject({ kind: 'message', channel: 'bob' })
  })

  test('the scope room opens the room and nothing else', async () => {
    const token = await scoped('room')
    await using client = await connectFrames(wsUrl(gateway, { token, envelope: 'json' }))
    expect(JSON.parse(await client.next())).toEqual({ kind: 'joined' })
    await using listener = await connectFrames(wsUrl(gateway, { token, channel: 'alice' }))
    expect(await listener.closed).toMatchObject({ code: 4292 })
    const query = 'mutation { publish(input: { clientId: "alice", data: 1 }) { messageId } }'
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const { body } = await ask(gateway.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) })
    expect(body).toContain('FORBIDDEN')
  })
})

test('with WARREN_LEGACY_ACCESS=open all clients join, with a token or without', async () => {
  await using gateway = await openGateway({ WARREN_LEGACY_ACCESS: 'open' })
  for (const token of [undefined, await registered(gateway, 'alice'), gateway.publisherToken]) {
    await using client = await connectFrames(wsUrl(gateway, { envelope: 'json', ...(token && { token }) }))
    expect(JSON.parse(await client.next())).toEqual({ kind: 'joined' })
  }
})

test('warren token prints a token with the scope room', async () => {
  const { code, stdout } = await runWarren(['token', '--scope', 'room'], { WARREN_JWT_SECRET: testSecret })
  expect(code).toBe(0)
  expect(JSON.parse(Buffer.from(stdout.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ scope: 'room' })
})

const scoped = (scope: string) => testToken({ scope })
