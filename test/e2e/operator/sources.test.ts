import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { eventually } from '../../support/eventually.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let connection: ChannelModel
let channel: ConfirmChannel
beforeAll(async () => {
  replicas = await openTwoReplicas('sources')
  connection = await amqp.connect(replicas.vhost.url)
  channel = await connection.createConfirmChannel()
})
afterAll(async () => {
  await connection.close()
  await replicas[Symbol.asyncDispose]()
})

async function send(exchange: string, key: string, body: unknown): Promise<void> {
  channel.publish(exchange, key, Buffer.from(JSON.stringify(body)), { contentType: 'application/json' })
  await channel.waitForConfirms()
}

const create = `mutation Create($input: CreateRabbitChannelInput!) {
  createRabbitChannel(input: $input) {
    id madeExchange nearExchanges rule bindingKey origin clientId { header bodyPointer fixed everyone }
  }
}`

interface Created {
  readonly createRabbitChannel: Record<string, unknown>
}

describe('a new source', () => {
  test('reports that it made the exchange, and which one may have been meant', async () => {
    const { onA, observer } = replicas
    await channel.assertExchange('orders', 'topic')
    const input = { exchange: 'ordres', exchangeType: 'TOPIC', routingKey: 'orders.{clientId}.#' }
    const { createRabbitChannel: typo } = await onA<Created>(create, { input })
    expect(typo).toMatchObject({
      madeExchange: true,
      nearExchanges: ['orders'],
      rule: 'word 2 of the key',
      origin: 'API',
    })
    const { createRabbitChannel: right } = await onA<Created>(create, { input: { ...input, exchange: 'orders' } })
    expect(right).toMatchObject({ madeExchange: false, nearExchanges: [], bindingKey: 'orders.*.#', clientId: null })
    expect(await observer('{ exchangesLike(name: "ordres") }')).toEqual({ exchangesLike: ['orders'] })
  })

  test('returns the rule that it was created with', async () => {
    const rules = [{ header: 'x-client' }, { bodyPointer: '/to' }, { fixed: 'alice' }, { everyone: true }]
    for (const [n, clientId] of rules.entries()) {
      const input = { exchange: `rules.${n}`, exchangeType: 'FANOUT', clientId }
      const { createRabbitChannel: source } = await replicas.onA<Created>(create, { input })
      expect(source['clientId']).toEqual({ header: null, bodyPointer: null, fixed: null, everyone: null, ...clientId })
    }
  })
})

describe('a source', () => {
  test('reports what it receives, what it misses, and why, with a sample', async () => {
    const { onA, observer } = replicas
    await onA(create, { input: { exchange: 'chats', exchangeType: 'FANOUT', clientId: { bodyPointer: '/to' } } })
    for (const body of [{ to: 'alice' }, { to: [] }, { to: [] }, { recipient: 'x' }]) await send('chats', '', body)
    const chats = await eventually('the messages', async () => {
      const { sources } = await observer<{ sources: (Record<string, unknown> & { source: { exchange: string } })[] }>(
        `{ sources { messages receivedPerSecond lastMessageAt unmatchedShare source { exchange clientId { bodyPointer } }
          unmatched { reason count firstAt lastAt sample { data exchange } } } }`,
      )
      const found = sources.find(({ source }) => source.exchange === 'chats')
      return found?.['messages'] === 4 && found
    })
    expect(chats).toMatchObject({
      unmatchedShare: 0.75,
      lastMessageAt: expect.any(String),
      source: { clientId: { bodyPointer: '/to' } },
      unmatched: [
        { reason: '"/to" is an empty list', count: 2, sample: { data: { to: [] }, exchange: 'chats' } },
        { reason: '"/to" is not in the body', count: 1, sample: { data: { recipient: 'x' } } },
      ],
    })
    expect(chats['receivedPerSecond']).toBeGreaterThan(0)
  })
})

const preview = `query Preview($input: CreateRabbitChannelInput!) {
  preview(input: $input) { exchange exists nearExchanges matched distinctClients note
    messages { message { routingKey } clients everyone reason } }
}`

describe('a preview', () => {
  test('finds what the source then finds, and creates nothing', async () => {
    const { observer } = replicas
    for (const [key, to] of [
      ['orders.alice.created', 1],
      ['orders.bob.paid', 2],
      ['orders', 3],
    ] as const)
      await send('orders', key, { to })
    // A source for everything brings all messages into the journal.
    await replicas.onA(create, {
      input: { exchange: 'orders', exchangeType: 'TOPIC', routingKey: '#', clientId: { fixed: 'log' } },
    })
    for (const key of ['orders.alice.created', 'orders.bob.paid', 'orders']) await send('orders', key, {})
    const input = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: '#', clientId: { header: 'x-previewed' } }
    const found = await eventually('the messages', async () => {
      const { preview: result } = await observer<{ preview: { messages: unknown[] } }>(preview, { input })
      return result.messages.length === 5 && result
    })
    expect(found).toMatchObject({ exists: true, matched: 0, distinctClients: 0, note: null })
    expect(found.messages[0]).toMatchObject({ clients: [], reason: 'it has no header "x-previewed"' })
    const byKey = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'orders.{clientId}.#' }
    expect(await observer(preview, { input: byKey })).toMatchObject({ preview: { matched: 4, distinctClients: 2 } })
    const { rabbitChannels } = await observer<{ rabbitChannels: { clientId: { header: string } | null }[] }>(
      '{ rabbitChannels { clientId { header } } }',
    )
    expect(rabbitChannels.some(({ clientId }) => clientId?.header === 'x-previewed')).toBe(false)
  })

  test('of an exchange that does not exist names a near one', async () => {
    const input = { exchange: 'orderss', exchangeType: 'TOPIC', routingKey: 'orders.{clientId}' }
    expect(await replicas.observer(preview, { input })).toMatchObject({
      preview: { exists: false, nearExchanges: expect.arrayContaining(['orders']), messages: [] },
    })
  })
})
