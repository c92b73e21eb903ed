import { randomUUID } from 'node:crypto'
import { expect, test } from '@jest/globals'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { callerOf, createRabbitChannel, type DeliveredEvent, listen } from '../../e2e/back-end/graphql-caller.ts'
import { startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'

test('a buffer mover is killed: messages with an id arrive once and in order, others at least once and flagged', async () => {
  await using vhost = await testVhost('moved')
  await using backEnd = await plainConnection(vhost.url)
  const channel = await backEnd.createConfirmChannel()
  const publish = (exchange: string, routingKey: string, value: unknown, properties: object = {}) =>
    channel.publish(exchange, routingKey, Buffer.from(JSON.stringify(value)), {
      contentType: 'application/json',
      ...properties,
    })
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_NAMESPACE: 'killed' }
  await using first = await startGateway({ env })
  const call = callerOf(first.graphqlUrl, await testToken({ scope: 'operator' }))
  await call(createRabbitChannel, { input: { exchange: 'moved', routingKey: 'moved.{clientId}', buffered: true } })
  await using second = await startGateway({ env })
  await using alice = await listen(second.graphqlSocketUrl, await testToken({ sub: 'alice' }), { clientId: 'alice' })
  publish('moved', 'moved.alice', 'begin')
  expect((await alice.next()).data).toBe('begin')

  const count = 6_000
  const run = randomUUID()
  const confirmed = (async () => {
    for (let n = 0; n < count; n += 1) {
      publish('moved', 'moved.alice', n, n % 2 === 0 ? { messageId: `${run}-${n}` } : {})
      if (n % 500 === 499) await channel.waitForConfirms()
    }
  })()
  const events: DeliveredEvent[] = await alice.take(200)
  await first.kill()
  await confirmed
  publish('moved', 'moved.alice', 'end', { messageId: `${run}-end` })
  while (events.at(-1)?.data !== 'end') events.push(await alice.next())

  const numbers = events.map(({ data }) => data)
  const withId = numbers.filter((n) => typeof n === 'number' && n % 2 === 0)
  expect(withId).toEqual(Array.from({ length: count / 2 }, (_, n) => 2 * n))
  const seen = new Set<unknown>()
  for (const { data, redelivered, messageId } of events) {
    if (seen.has(data)) expect({ data, redelivered, messageId }).toEqual({ data, redelivered: true, messageId: null })
    seen.add(data)
  }
  expect(seen.size).toBe(count + 1)
})
