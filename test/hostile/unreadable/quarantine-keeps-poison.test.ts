import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals'
import amqp, { type ChannelModel, type GetMessage, type Options } from 'amqplib'
import type { JournalMessage, Publication } from '../../../src/core/model/message.ts'
import type { Journal, MarkNote } from '../../../src/core/ports/journal.ts'
import type { Observer } from '../../../src/core/ports/observer.ts'
import { Quarantine } from '../../../src/core/quarantine/quarantine.ts'
import { badInput, GatewayError } from '../../../src/errors.ts'
import { plainConnection } from '../../brokers/rabbitmq/connections.ts'
import { type ChannelListener, listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'

describe('on RabbitMQ', () => {
  let vhost: TestVhost
  let gateway: InProcessGateway
  let listener: ChannelListener
  let theirs: ChannelModel
  beforeAll(async () => {
    vhost = await testVhost('poison-kept')
    gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_MAX_MESSAGE_BYTES: '1KiB' })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    // The gateway decodes a body only if the client has a subscriber.
    listener = await listen(gateway.graphqlSocketUrl, await gateway.clientToken('alice'), { clientId: 'alice' })
    await eventually('a subscriber', () => gateway.gateway.hub.size > 0)
    theirs = await amqp.connect(vhost.url)
  })
  afterAll(async () => {
    await theirs?.close()
    await listener?.[Symbol.asyncDispose]()
    await gateway?.close()
    await vhost?.close()
  })

  async function publishPoison(options: Options.Publish = {}, body = '{"n":'): Promise<void> {
    const channel = await theirs.createConfirmChannel()
    channel.publish('warren.events', 'client.alice', Buffer.from(body), { contentType: 'application/json', ...options })
    await channel.waitForConfirms()
    await channel.close()
  }

  /**
   * Takes the one message out of the quarantine. Each attempt has its own connection: while the queue
   * is missing, each ends its channel, and after some dozens RabbitMQ 3.10 ends the connection.
   */
  function kept(): Promise<GetMessage> {
    return eventually('the message in the quarantine', async () => {
      await using connection = await plainConnection(vhost.url)
      const channel = await connection.createChannel()
      channel.on('error', () => undefined)
      return await channel.get('warren.quarantine', { noAck: true })
    })
  }

  const large = 'h'.repeat(21_000)
  test.each<[string, Options.Publish, string | undefined, string[]]>([
    [
      'with 63 KiB of headers',
      { headers: { a: large, b: large, c: large, small: 'kept' } },
      undefined,
      ['header "a" (21005 bytes)', 'header "b" (21005 bytes)', 'header "c" (21005 bytes)'],
    ],
    ['with a timestamp in microseconds', { timestamp: 1_700_000_000_000_000 }, undefined, []],
    ['with a header timestamp in nanoseconds', { headers: { at: { '!': 'timestamp', value: 1.7e18 } } }, undefined, []],
    ['with the largest timestamp', { timestamp: 2 ** 63 }, undefined, []],
    ['with a body larger than clients may publish', {}, `{"n":"${'b'.repeat(5_000)}`, []],
  ])('poison %s is kept', async (_what, options, body, leftOut) => {
    await publishPoison({ messageId: 'odd', ...options }, body)
    const { content, properties } = await kept()
    expect(content.toString()).toBe(body ?? '{"n":')
    expect(properties.messageId).toBe('odd')
    expect(properties.headers).toMatchObject({ 'x-warren-reason': 'broken-json', 'x-warren-exchange': 'warren.events' })
    const note = properties.headers?.['x-warren-left-out'] as string | undefined
    for (const what of leftOut) expect(note).toContain(what)
    if (leftOut.length > 0) expect(properties.headers).toMatchObject({ small: 'kept' })
  })

  test.each(['queue', 'exchange'] as const)(
    'its %s is declared again, and has what arrived meanwhile',
    async (what) => {
      const channel = await theirs.createChannel()
      if (what === 'queue') await channel.deleteQueue('warren.quarantine')
      else await channel.deleteExchange('warren.quarantine')
      await channel.close()
      await publishPoison({ messageId: `without its ${what}` })
      expect((await kept()).properties.messageId).toBe(`without its ${what}`)
    },
  )
})

describe('whatever the broker answers', () => {
  const message: JournalMessage = {
    exchange: 'orders',
    routingKey: 'order.alice',
    body: Buffer.alloc(100_000, '{'),
    properties: { messageId: 'poison', timestamp: 1e18, headers: { why: 'odd' } },
    redelivered: false,
    receivedAt: 0,
    offset: 7,
    mark: false,
  }
  const away = new GatewayError('BROKER_UNAVAILABLE', 'it is away')

  /**
   * A quarantine on a broker and a journal that answer with these errors, one after another, and
   * then succeed.
   */
  function quarantineOn({ marks = [], publications = [] }: { marks?: Error[]; publications?: Error[] }) {
    const published: Publication[] = []
    const logged: string[] = []
    const answer = (errors: Error[]) => {
      const error = errors.shift()
      return error ? Promise.reject(error) : Promise.resolve()
    }
    const journal = {
      async mark(note?: MarkNote) {
        await answer(marks)
        if (note?.kind === 'poison') quarantine.onClaim(note)
      },
    } as Journal
    const broker = {
      unansweredBytes: 0,
      async publish(publication: Publication) {
        await answer(publications)
        published.push(publication)
      },
    }
    const observer = {
      log: (_level: string, text: string) => logged.push(text),
      messageQuarantined() {},
    } as unknown as Observer
    const quarantine = new Quarantine({
      journal,
      broker: broker as never,
      observer,
      exchange: 'warren.quarantine',
      kind: 'poison',
    })
    return { quarantine, published, logged }
  }

  test.each([
    ['the claim', { marks: [away, away, away] }],
    ['the copy', { publications: [away, badInput('routingKey', 'bound to nothing'), away] }],
    ['the exchange of the quarantine', { publications: [badInput('exchange', 'there is none'), away] }],
  ])('it retries until the broker accepts %s, completely', async (_what, errors) => {
    jest.useFakeTimers()
    try {
      const { quarantine, published } = quarantineOn(errors)
      quarantine.put(message, { reason: 'broken-json', text: 'broken' })
      await jest.advanceTimersByTimeAsync(20_000)
      expect(published).toMatchObject([
        { body: message.body, properties: { timestamp: 1e18, headers: { why: 'odd' } } },
      ])
      quarantine.close()
    } finally {
      jest.useRealTimers()
    }
  })

  test('it quarantines a summary of what cannot be published completely, and names what is missing', async () => {
    const { quarantine, published, logged } = quarantineOn({
      publications: [badInput('timestamp', 'AMQP cannot carry it'), new GatewayError('PAYLOAD_TOO_LARGE', 'too large')],
    })
    quarantine.put(message, { reason: 'broken-json', text: 'broken' })
    await eventually('the summary', () => published.length > 0)
    const [copy] = published
    expect(copy?.body).toEqual(message.body.subarray(0, 65_536))
    expect(copy?.properties).not.toHaveProperty('timestamp')
    expect(copy?.properties.headers).toMatchObject({
      why: 'odd',
      'x-warren-left-out': 'body behind its first 65536 of 100000 bytes, timestamp 1000000000000000 s',
    })
    expect(logged).toEqual(['a message went to the quarantine: broken'])
  })

  test('it drops the oldest waiting poison beyond 64 MiB, and logs it', async () => {
    const { quarantine, logged } = quarantineOn({ publications: Array.from({ length: 500 }, () => away) })
    for (let offset = 0; offset < 5; offset += 1) {
      quarantine.put(
        { ...message, offset, body: Buffer.alloc(20 * 1024 * 1024) },
        { reason: 'broken-json', text: 'broken' },
      )
    }
    await eventually('the log line', () => logged.some((text) => text.includes('left in the journal')))
    expect(quarantine.isPoison(0)).toBe(false)
    expect(quarantine.isPoison(4)).toBe(true)
    quarantine.close()
  })
})
