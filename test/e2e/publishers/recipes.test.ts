import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { eventClient } from '../../events/serving/event-client.ts'
import { eventually } from '../../support/eventually.ts'
import { openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf } from '../back-end/graphql-caller.ts'
import { operationFor, publishRecipe, recipes } from './recipe-page.ts'

/** The same value with other texts in it. */
function changed<T>(value: T, texts: Record<string, string>): T {
  const text = Object.entries(texts).reduce((all, [from, to]) => all.replaceAll(from, to), JSON.stringify(value))
  return JSON.parse(text) as T
}

/** What the page abbreviates may be any text. */
const anyText = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (_name, inner) => (inner === '…' ? expect.any(String) : inner))

test('the page has every recipe of its table', () => {
  expect(recipes.map(({ title }) => title)).toEqual([
    'kombu',
    'Celery tasks',
    'Spring AMQP',
    'MassTransit',
    'NestJS',
    'Symfony Messenger',
    'Laravel',
    'bunny',
    'amqp091-go',
  ])
})

test.each(recipes)('a client sees a message of $title as the page shows it', async ({ message, setUp, seen }) => {
  await using vhost = await testVhost('recipe')
  await using connection = await plainConnection(vhost.url)
  const channel = await connection.createChannel()
  await channel.assertExchange(message.exchange, message.exchangeType ?? 'topic')
  const folder = newFolder()
  try {
    const isTyped = setUp.startsWith('type')
    if (isTyped) writeFileSync(join(folder, 'events.graphql'), setUp)
    await using gateway = await openGateway({
      WARREN_BROKER_URL: vhost.url,
      ...(isTyped ? { WARREN_SCHEMA: folder } : {}),
    })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    if (!isTyped) await callerOf(gateway.graphqlUrl, gateway.operatorToken)(setUp)
    await using alice = await eventClient(gateway, 'alice')
    await using bob = await eventClient(gateway, 'bob')
    const operation = operationFor(seen)
    const results = alice.listen(operation)
    const others = bob.listen(operation.replace('"alice"', '"bob"'))
    await eventually('both subscriptions', () => gateway.gateway.hub.size === 2)
    publishRecipe(channel, message)
    expect(await results.next()).toMatchObject({ data: anyText(seen) })
    // Messages arrive in order: if the first one had been for bob, he would have it first.
    publishRecipe(channel, changed(message, { alice: 'bob', 17: '18' }))
    expect(await others.next()).toMatchObject({ data: anyText(changed(seen, { 17: '18' })) })
    expect(results.waiting).toEqual([])
  } finally {
    removeFolder(folder)
  }
})
