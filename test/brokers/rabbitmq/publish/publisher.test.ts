import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals'
import type { ConsumeMessage } from 'amqplib'
import type { GatewayPublication } from '../../../../src/brokers/driver.ts'
import { Publisher, type publisherLimits } from '../../../../src/brokers/rabbitmq/publish/publisher.ts'
import { eventually } from '../../../support/eventually.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { connectionsTo, plainConnection, take } from '../connections.ts'

let vhost: TestVhost
const open: Publisher[] = []

function publisher(limits: Partial<typeof publisherLimits> = {}, url = vhost.url): Publisher {
  const made = new Publisher(connectionsTo(url), {}, { defaultExchange: 'events', limits })
  open.push(made)
  return made
}

function to(routingKey: string, change: Partial<GatewayPublication> = {}): GatewayPublication {
  return { routingKey, body: Buffer.from('{}'), properties: {}, ...change }
}

beforeAll(async () => {
  vhost = await testVhost('publisher')
  await using rabbitmq = await plainConnection(vhost.url)
  const channel = await rabbitmq.createChannel()
  await channel.assertExchange('events', 'topic')
  await channel.assertQueue('received')
  await channel.bindQueue('received', 'events', 'bound.#')
  await channel.assertQueue('full', { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } })
  await channel.assertExchange('locked', 'fanout', { internal: true })
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()))
  await using rabbitmq = await plainConnection(vhost.url)
  await (await rabbitmq.createChannel()).purgeQueue('received')
})
afterAll(() => vhost.close())

/** Takes the received messages, in order. */
async function received() {
  await using rabbitmq = await plainConnection(vhost.url)
  const channel = await rabbitmq.createChannel()
  const { messageCount } = await channel.checkQueue('received')
  const messages = new Inbox<ConsumeMessage>('messages')
  await channel.consume('received', (message) => message && messages.push(message), { noAck: true })
  return await take(messages, messageCount)
}

describe('a publisher', () => {
  test('resolves when RabbitMQ has the message, with its properties, persistent and with an id', async () => {
    const sent = publisher()
    const properties = {
      type: 'order',
      contentType: 'application/json',
      timestamp: 1_700_000_000_999,
      headers: { a: 'ß', n: 7 },
    }
    await sent.publish(to('bound.1', { body: Buffer.from('{"a":1}'), properties }))
    const [message] = await received()
    expect(message?.content.toString()).toBe('{"a":1}')
    expect(message?.properties).toMatchObject({
      type: 'order',
      contentType: 'application/json',
      timestamp: 1_700_000_000,
      headers: { a: 'ß', n: 7 },
      deliveryMode: 2,
      messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
  })

  test('keeps the order of calls', async () => {
    const sent = publisher()
    await Promise.all(
      Array.from({ length: 500 }, (_, n) => sent.publish(to('bound.n', { body: Buffer.from(String(n)) }))),
    )
    const messages = await received()
    expect(messages.map(({ content }) => Number(content.toString()))).toEqual(Array.from({ length: 500 }, (_, n) => n))
  })

  test('refuses a message without a binding, unless the caller allows it', async () => {
    const sent = publisher()
    const refusal = {
      code: 'BAD_USER_INPUT',
      field: 'routingKey',
      message: expect.stringContaining('"unbound" is unroutable: no binding of exchange "events" matches it'),
    }
    await expect(sent.publish(to('unbound'))).rejects.toMatchObject(refusal)
    await sent.publish(to('unbound', { mandatory: false }))
  })

  test('distinguishes the answers to publications with the same message id', async () => {
    const sent = publisher()
    const properties = { messageId: 'same \ud800' }
    const keys = ['bound.1', 'unbound', 'bound.2', 'unbound']
    const outcomes = await Promise.allSettled(keys.map((key) => sent.publish(to(key, { properties }))))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
  })

  test('refuses only the publication to an unknown exchange', async () => {
    const sent = publisher()
    const around = [to('bound.1'), to('x', { exchange: 'none' }), to('bound.2')]
    const outcomes = await Promise.allSettled(around.map((publication) => sent.publish(publication)))
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'BAD_USER_INPUT', field: 'exchange' } })
  })

  test('finds the publication that made RabbitMQ close the channel, and publishes the others again under their ids', async () => {
    const sent = publisher()
    await sent.publish(to('bound.0'))
    const guilty = [
      [to('bound.x', { properties: { expiration: 'soon' } }), 'expiration'],
      [to('x', { exchange: 'locked' }), 'exchange'],
      [to('bound.x', { properties: { userId: 'somebody' } }), 'properties'],
      [to('bound.x', { properties: { headers: { f: Symbol('no AMQP') } } }), 'headers'],
      [to('bound.x', { properties: { messageId: 'x'.repeat(256) } }), 'messageId'],
    ] as const
    const innocent = Array.from({ length: 20 }, (_, n) =>
      sent.publish(to('bound.n', { properties: { messageId: `m${n}` } })),
    )
    const refused = guilty.map(([publication]) => sent.publish(publication))
    const more = Array.from({ length: 20 }, (_, n) =>
      sent.publish(to('bound.n', { properties: { messageId: `m${20 + n}` } })),
    )
    const outcomes = await Promise.allSettled(refused)
    await Promise.all([...innocent, ...more])
    expect(outcomes).toMatchObject(guilty.map(([, field]) => ({ reason: { code: 'BAD_USER_INPUT', field } })))
    const ids = (await received()).map(({ properties }) => properties.messageId as string)
    expect(ids).toEqual(expect.arrayContaining(Array.from({ length: 40 }, (_, n) => `m${n}`)))
  })

  test('notices an exchange that is deleted between two publications', async () => {
    const sent = publisher()
    await using rabbitmq = await plainConnection(vhost.url)
    const channel = await rabbitmq.createChannel()
    await channel.assertExchange('passing', 'fanout')
    await channel.bindQueue('received', 'passing', '')
    await sent.publish(to('k', { exchange: 'passing' }))
    await channel.deleteExchange('passing')
    const outcomes = await Promise.allSettled([
      sent.publish(to('k', { exchange: 'passing' })),
      sent.publish(to('bound.1')),
    ])
    expect(outcomes).toMatchObject([{ reason: { code: 'BAD_USER_INPUT', field: 'exchange' } }, { status: 'fulfilled' }])
  })

  test('refuses what is too large, by its own limit and by its memory', async () => {
    const sent = publisher({ maxMessageBytes: 1000, bufferBytes: 1500 }, 'amqp://127.0.0.1:1')
    await expect(sent.publish(to('k', { body: Buffer.alloc(1001) }))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    })
    const waiting = sent.publish(to('k', { body: Buffer.alloc(1000) }))
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringMatching(/too many publications wait/) }
    await expect(sent.publish(to('k', { body: Buffer.alloc(501) }))).rejects.toMatchObject(refusal)
    await Promise.all([expect(waiting).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' }), sent.close()])
  })

  test('keeps room for other clients when one floods it, in bytes and in messages', async () => {
    const sent = publisher({ bufferBytes: 10_000, bufferMessages: 100 }, 'amqp://127.0.0.1:1')
    const waiting: Promise<unknown>[] = []
    const refusals: unknown[] = []
    const flood = (payer: string, bytes: number, count: number) => {
      for (let number = 0; number < count; number += 1)
        waiting.push(sent.publish(to('k', { body: Buffer.alloc(bytes), payer })).catch((error) => refusals.push(error)))
    }
    flood('client large', 1_000, 20)
    flood('client small', 1, 100)
    await new Promise(setImmediate)
    // One client gets half of the bytes, then half of the messages that are left.
    expect(refusals).toHaveLength(15 + 52)
    expect(refusals).toMatchObject(refusals.map(() => ({ code: 'BROKER_UNAVAILABLE' })))
    flood('client other', 2_000, 1)
    await new Promise(setImmediate)
    expect(refusals).toHaveLength(15 + 52)
    await sent.close()
    await Promise.all(waiting)
  })

  test('publishes again what RabbitMQ refuses for a time, up to the limit', async () => {
    const sent = publisher({ publishTimeoutMs: 1000 })
    const publication = to('full', { exchange: '' })
    await sent.publish(publication)
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('keeps refusing it') }
    await expect(sent.publish(publication)).rejects.toMatchObject(refusal)
    const later = sent.publish(publication)
    await using rabbitmq = await plainConnection(vhost.url)
    await (await rabbitmq.createChannel()).purgeQueue('full')
    await later
  })

  test('does not trust a return right after a reconnect for a key that was routed before', async () => {
    const sent = publisher()
    await sent.publish(to('bound.x'))
    await using rabbitmq = await plainConnection(vhost.url)
    const channel = await rabbitmq.createChannel()
    await channel.unbindQueue('received', 'events', 'bound.#')
    const doubted = sent.publish(to('bound.x', { properties: { messageId: 'doubted' } }))
    await expect(sent.publish(to('bound.y'))).rejects.toMatchObject({ field: 'routingKey' })
    await channel.bindQueue('received', 'events', 'bound.#')
    await doubted
    expect((await received()).map(({ properties }) => properties.messageId as string)).toContain('doubted')
  })

  test('reports why it cannot publish if RabbitMQ is away for too long', async () => {
    const sent = publisher({ publishTimeoutMs: 300 }, 'amqp://127.0.0.1:1')
    const refusal = { code: 'BROKER_UNAVAILABLE', message: expect.stringContaining('not reachable at 127.0.0.1:1') }
    await expect(sent.publish(to('k'))).rejects.toMatchObject(refusal)
  })

  test('loses nothing when its connection closes repeatedly', async () => {
    const sent = publisher()
    const stop = new AbortController()
    let published = 0
    let confirmed = 0
    const publishing = Array.from({ length: 20 }, async () => {
      while (!stop.signal.aborted) {
        published += 1
        await sent.publish(to('bound.n', { properties: { messageId: String(published) } }))
        confirmed += 1
      }
    })
    for (let n = 1; n <= 3; n += 1) {
      await eventually('the publisher to publish again', () => confirmed >= n * 200)
      await rabbit.ctl('close_all_connections', '--vhost', vhost.name, 'a test')
    }
    stop.abort()
    await Promise.all(publishing)
    const ids = new Set((await received()).map(({ properties }) => properties.messageId as string))
    expect(ids.size).toBe(published)
  })
})
