import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { type ChannelListener, type DeliveredEvent, listen } from '../../e2e/back-end/graphql-caller.ts'
import { eventually } from '../../support/eventually.ts'
import { connectFrames } from '../../support/frames/frames.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { rabbit, type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { type FailingBroker, failingBroker, unreadableHeader } from '../../support/rabbitmq/failing-broker.ts'

// The behaviour of RabbitMQ 4 is tested on RabbitMQ 4 (unreadable-messages.slow.test.ts). Here a
// proxy imitates it on any version.
describe('a message that ends every consumer which reaches it', () => {
  let vhost: TestVhost
  let broker: FailingBroker
  let gateway: InProcessGateway
  let connection: ChannelModel
  let channel: ConfirmChannel
  let number = 0

  beforeAll(async () => {
    vhost = await testVhost('unreadable')
    broker = await failingBroker(rabbit.port)
    gateway = await openGateway({ WARREN_BROKER_URL: url(), WARREN_LEGACY_ACCESS: 'open' })
    await eventually('the gateway to be ready', () => gateway.gateway.up)
    connection = await amqp.connect(vhost.url, { noDelay: true })
    channel = await connection.createConfirmChannel()
  })
  afterAll(async () => {
    await connection?.close()
    await gateway?.close()
    await broker?.[Symbol.asyncDispose]()
    await vhost?.close()
  })

  const url = (): string => `amqp://guest:guest@127.0.0.1:${broker.port}/${encodeURIComponent(vhost.name)}`

  async function publish(...messages: ('good' | 'unreadable')[]): Promise<void> {
    for (const message of messages) {
      const headers = message === 'unreadable' ? { [unreadableHeader]: 1 } : {}
      if (message === 'good') number += 1
      const body = Buffer.from(String(number))
      channel.publish('warren.events', 'client.alice', body, { contentType: 'application/json', headers })
    }
    await channel.waitForConfirms()
  }

  async function aliceAt(at: InProcessGateway, after?: string): Promise<ChannelListener> {
    const hub = watchHub(at.gateway.hub)
    const variables = { clientId: 'alice', ...(after === undefined ? {} : { after }) }
    const alice = await listen(at.graphqlSocketUrl, await at.clientToken('alice'), variables)
    if (after === undefined) await hub.until(1)
    return alice
  }

  const shown = (events: readonly DeliveredEvent[]): unknown[] =>
    events.map(({ kind, data, gap }) => (kind === 'GAP' ? gap?.reason : data))

  async function untilNumber(alice: ChannelListener, last: number): Promise<DeliveredEvent[]> {
    const events: DeliveredEvent[] = []
    while (events.at(-1)?.data !== last) events.push(await alice.next())
    return events
  }

  test('costs no subscriber another message, whatever RabbitMQ lost before it, and is reported once after a cursor', async () => {
    await using alice = await aliceAt(gateway)
    await publish('good')
    const received = await alice.take(1)
    const first = number
    // In one write, so that the deliveries before the unreadable ones are in the same read.
    await publish(
      ...Array.from({ length: 40 }, () => 'good' as const),
      'unreadable',
      'good',
      'unreadable',
      'unreadable',
    )
    await publish('good')
    received.push(...(await untilNumber(alice, number)))
    const numbers = Array.from({ length: 41 }, (_, n) => first + n)
    const expected = [...numbers, 'UNREADABLE', first + 41, 'UNREADABLE', first + 42]
    expect(shown(received)).toEqual(expected)

    // One message after it: from memory, and on another replica that reads it when its tail starts.
    await using other = await openGateway({ WARREN_BROKER_URL: url() })
    await eventually('the other gateway to be ready', () => other.gateway.up)
    for (const at of [gateway, other]) {
      for (const place of [0, 40, 41, 42, 43]) {
        await using again = await aliceAt(at, received[place]?.cursor)
        expect(shown(await untilNumber(again, number))).toEqual(expected.slice(place + 1))
      }
    }
  })

  test('is not skipped while RabbitMQ may be at fault: what becomes readable later is delivered', async () => {
    await using alice = await aliceAt(gateway)
    await publish('good')
    await untilNumber(alice, number)
    broker.failNext(5)
    await publish('good')
    const events = await untilNumber(alice, number)
    expect(shown(events)).toEqual([number])
  })

  test('is dropped alone from the queue of the room', async () => {
    await using member = await connectFrames(`${gateway.url.replace('http', 'ws')}/ws?envelope=json`)
    expect(JSON.parse(await member.next())).toEqual({ kind: 'joined' })
    const texts: string[] = []
    const send = async (text: string, headers = {}): Promise<void> => {
      channel.publish('towsmanager', '', Buffer.from(text), { headers })
      await channel.waitForConfirms()
      while (member.waiting.length > 0) texts.push((JSON.parse(await member.next()) as { text: string }).text)
    }
    // The connection of the room may be away after the messages of the tests before.
    await eventually('the room to receive messages', () => send('before').then(() => texts.length > 0))
    await send('?', { [unreadableHeader]: 1 })
    await send('behind')
    while (texts.at(-1) !== 'behind') texts.push((JSON.parse(await member.next()) as { text: string }).text)
    // If an acknowledgement was on its way when the consumer ended, its message comes again:
    // without an id, at least once.
    expect(new Set(texts)).toEqual(new Set(['before', 'behind']))
  })
})
