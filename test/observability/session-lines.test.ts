import { expect, test } from '@jest/globals'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { startGateway, testToken } from '../support/gateway/gateway-process.ts'

test('the log has one line for each session that ends, with its reason, and none for messages', async () => {
  await using gateway = await startGateway({ env: { WARREN_LOG_FORMAT: 'json', WARREN_LOG_LEVEL: 'debug' } })
  const connect = async (claims: { sub?: string; scope?: string }) =>
    connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token: await testToken(claims) } })
  const [leaves, breaks, back] = await Promise.all([
    connect({ sub: 'alice' }),
    connect({ sub: 'bob' }),
    connect({ scope: 'publish' }),
  ])
  const events = leaves.subscribe('subscription { channel(clientId: "alice", checkpoints: true) { kind } }')
  await events.next()
  const before = gateway.output().split('\n').length
  for (let number = 0; number < 100; number += 1) {
    await back.request('mutation { publish(input: { clientId: "alice", data: 1 }) { messageId } }')
    await events.next()
  }
  expect(gateway.output().split('\n')).toHaveLength(before)

  await leaves.frames.close()
  await gateway.printed(/"reason":"client".*"client":"alice"/)
  breaks.frames.socket.terminate()
  await gateway.printed(/"reason":"lost".*"client":"bob"/)
  process.kill(gateway.pid, 'SIGTERM')
  await gateway.exited
  const lines = gateway
    .output()
    .split('\n')
    .filter((line) => line.includes('"a session ended"'))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'info',
      transport: 'graphql-ws',
      reason: 'client',
      client: 'alice',
      subscriptions: 1,
    }),
    expect.objectContaining({ reason: 'lost', client: 'bob', subscriptions: 0, address: '127.0.0.1' }),
    expect.objectContaining({ reason: 'restart', subscriptions: 0, seconds: expect.any(Number) }),
  ])
})
