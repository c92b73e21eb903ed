import { expect, test } from '@jest/globals'
import { connectGraphql } from '../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../support/gateway/gateway-process.ts'
import { testVhost } from '../support/rabbitmq/broker.ts'

/** The lines that a new user reads as a fault. */
function alarming(gateway: GatewayProcess): string[] {
  const words = /"level":"(warn|error)"|\b(gone|lost|refused|failed|closed by|unexpected|cannot)\b/i
  // The note about the embedded broker uses one of the words on purpose.
  return gateway
    .output()
    .split('\n')
    .filter((line) => words.test(line) && !line.includes('The broker is the embedded one'))
}

test.each([
  ['the embedded broker', 'SIGINT'],
  ['RabbitMQ', 'SIGINT'],
  ['RabbitMQ', 'SIGTERM'],
] as const)('a first start and a stop on %s by %s print no alarming line', async (broker, signal) => {
  await using vhost = broker === 'RabbitMQ' ? await testVhost('clean-run') : undefined
  await using gateway = await startGateway({ env: vhost ? { WARREN_BROKER_URL: vhost.url } : {} })
  const token = await testToken({ sub: 'alice', scope: 'operator' })
  const client = await connectGraphql(gateway.graphqlSocketUrl, { connectionParams: { token } })
  const events = client.subscribe('subscription { channel(clientId: "alice", checkpoints: true) { kind } }')
  await events.next()
  process.kill(gateway.pid, signal)
  expect(await gateway.exited).toEqual({ code: 0, signal: null })
  expect(alarming(gateway)).toEqual([])
  expect(gateway.output()).toContain('"msg":"closed"')
})
