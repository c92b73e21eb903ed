import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { GatewayBroker, GatewayPublication } from '../../src/brokers/driver.ts'
import type { Message } from '../../src/core/model/message.ts'
import type { ControlMessage } from '../../src/core/ports/control-bus.ts'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { testKeys } from '../support/gateway/deployment-keys.ts'
import { take } from './rabbitmq/connections.ts'
import { sourceOn } from './test-source.ts'

export interface GatewayUnderTest {
  readonly broker: GatewayBroker
  /** Another gateway of the same deployment. */
  readonly replica: GatewayBroker
  /** What is routed into the journal. */
  readonly routed: Inbox<Message>
  close(): Promise<void>
}

/** The contract of a gateway's broker with every driver: the same answers to the same mistakes. */
export function gatewaySuite(name: string, open: () => Promise<GatewayUnderTest>): void {
  describe(`a gateway on ${name}`, () => {
    let under: GatewayUnderTest
    const publish = (exchange: string | undefined, routingKey: string, change: Partial<GatewayPublication> = {}) =>
      under.broker.publish({
        ...(exchange === undefined ? {} : { exchange }),
        routingKey,
        body: Buffer.from('1'),
        properties: {},
        ...change,
      })

    beforeAll(async () => {
      under = await open()
      await under.broker.bind(sourceOn('warren.events'))
    })
    afterAll(() => under.close())

    test('declares a missing exchange, and reports it once', async () => {
      const { broker, routed } = under
      expect(await broker.bind(sourceOn('first', { routingKey: 'a.*' }))).toEqual({ declared: true })
      expect(await broker.bind(sourceOn('first', { routingKey: 'b.*' }))).toEqual({ declared: false })
      await publish('first', 'b.1')
      expect(await routed.next()).toMatchObject({ exchange: 'first', routingKey: 'b.1', redelivered: false })
    })

    test('delivers once, in order and as a copy, what several sources bind', async () => {
      const { broker, routed } = under
      await broker.bind(sourceOn('warren.events', { routingKey: 'client.*' }))
      const body = Buffer.from('{"n":1}')
      const headers = { a: 'b', n: 1 }
      await publish(undefined, 'client.alice', {
        body,
        properties: { messageId: 'm1', timestamp: 1_700_000_000_123, headers },
      })
      await publish(undefined, 'client.bob')
      body.fill(0)
      headers.a = 'changed'
      const [first, second] = await take(routed, 2)
      expect(first).toMatchObject({
        exchange: 'warren.events',
        routingKey: 'client.alice',
        properties: { messageId: 'm1', timestamp: 1_700_000_000_000, headers: { a: 'b', n: 1 } },
      })
      expect(first?.body.toString()).toBe('{"n":1}')
      expect(second).toMatchObject({ routingKey: 'client.bob', properties: { messageId: expect.any(String) } })
    })

    test.each(['DIRECT', 'FANOUT', 'HEADERS'] as const)(
      'routes by the rules of a %s exchange',
      async (exchangeType) => {
        const { broker, routed } = under
        const exchange = `kind ${exchangeType}`
        await broker.bind(sourceOn(exchange, { exchangeType, routingKey: 'key' }))
        if (exchangeType === 'DIRECT') {
          await expect(publish(exchange, 'other')).rejects.toMatchObject({ field: 'routingKey' })
        } else {
          await publish(exchange, 'other')
          expect(await routed.next()).toMatchObject({ exchange, routingKey: 'other' })
        }
        await publish(exchange, 'key')
        expect(await routed.next()).toMatchObject({ exchange, routingKey: 'key' })
      },
    )

    test('answers each invalid publication', async () => {
      await under.broker.bind(sourceOn('narrow', { routingKey: 'a.b' }))
      await expect(publish('none', 'k')).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'exchange',
        message: 'exchange: "none" does not exist',
      })
      await expect(publish('narrow', 'a.c')).rejects.toMatchObject({
        code: 'BAD_USER_INPUT',
        field: 'routingKey',
        message: 'routingKey: "a.c" is unroutable: no binding of exchange "narrow" matches it',
      })
      await publish('narrow', 'a.c', { mandatory: false })
      await expect(publish('none', 'a.c', { mandatory: false })).rejects.toMatchObject({ field: 'exchange' })
      await expect(publish('narrow', 'a.b', { body: Buffer.alloc(2001) })).rejects.toMatchObject({
        code: 'PAYLOAD_TOO_LARGE',
        message: 'the message has 2001 bytes, 2000 are allowed',
      })
      await publish('warren.quarantine', 'poison')
    })

    test('answers each invalid source', async () => {
      const { broker } = under
      await broker.bind(sourceOn('a topic'))
      await expect(broker.bind(sourceOn('a topic', { exchangeType: 'DIRECT', routingKey: 'k' }))).rejects.toMatchObject(
        {
          code: 'SOURCE_CONFLICT',
          message: 'exchange "a topic" is a topic exchange, not direct: set exchangeType: TOPIC',
        },
      )
      await expect(broker.bind(sourceOn('amq.mine'))).rejects.toMatchObject({
        code: 'SOURCE_CONFLICT',
        message: expect.stringContaining('RabbitMQ reserves names that begin with "amq."'),
      })
      expect(await broker.bind(sourceOn('amq.topic', { routingKey: 'mine' }))).toEqual({ declared: false })
      await expect(broker.bind(sourceOn('amq.topic', { exchangeType: 'FANOUT' }))).rejects.toMatchObject({
        message: 'exchange "amq.topic" is a topic exchange, not fanout: set exchangeType: TOPIC',
      })
    })

    test('unbinds a source, but keeps what another source needs', async () => {
      const { broker, routed } = under
      const one = sourceOn('shared', { routingKey: 'a.*' })
      const other = sourceOn('shared', { routingKey: 'a.{clientId}', clientId: undefined, id: 'other' })
      await broker.bind(one)
      await broker.bind(other)
      await broker.unbind(one)
      await publish('shared', 'a.b')
      expect(await routed.next()).toMatchObject({ exchange: 'shared' })
      await broker.unbind(other)
      await expect(publish('shared', 'a.b')).rejects.toMatchObject({ field: 'routingKey' })
      await broker.unbind(other)
    })

    test('delivers fanout exchanges to each replica completely, in the order of each exchange', async () => {
      const exchanges = { own: 'own', fedBy: ['too'], declared: ['declared'] }
      const consumers = [under.broker, under.replica].map((broker) => {
        const inbox = new Inbox<Message>('messages of fanout exchanges')
        return { inbox, fanouts: broker.consumeFanouts(exchanges, (message) => inbox.push(message)) }
      })
      // A fanout message reaches only the queues bound so far.
      await eventually('both queues to be bound', () => consumers.every(({ fanouts }) => fanouts.bound))
      await publish('too', 'beginning', { mandatory: false })
      await publish('declared', 'exists', { mandatory: false })
      for (let n = 0; n < 300; n += 1) void publish(n % 2 === 0 ? 'own' : 'too', String(n), { mandatory: false })
      for (const { inbox, fanouts } of consumers) {
        expect(await inbox.next()).toMatchObject({ exchange: 'too', routingKey: 'beginning' })
        const keys: string[] = []
        while (keys.length < 300) {
          const { routingKey, exchange } = await inbox.next()
          keys.push(`${exchange} ${routingKey}`)
        }
        // AMQP 0-9-1 §4.7 keeps the order of what passes through one exchange.
        const inOrder = Array.from({ length: 300 }, (_, n) => `${n % 2 === 0 ? 'own' : 'too'} ${n}`)
        for (const name of ['own ', 'too ']) {
          const ofExchange = (key: string): boolean => key.startsWith(name)
          expect(keys.filter(ofExchange)).toEqual(inOrder.filter(ofExchange))
        }
        await fanouts.close()
      }
      await publish('own', 'after close', { mandatory: false })
      expect(consumers.map(({ inbox }) => inbox.waiting)).toEqual([[], []])
    })

    test('delivers a control message to every replica, the sender included', async () => {
      const messages = new Inbox<ControlMessage | 'resync'>('control messages')
      const keys = testKeys()
      const buses = [under.broker, under.replica].map((broker) => broker.openControlBus(keys))
      for (const bus of buses) bus.listen(messages.push.bind(messages), () => messages.push('resync'))
      expect(await take(messages, 2)).toEqual(['resync', 'resync'])
      const source = sourceOn('announced')
      await buses[0]?.send({ kind: 'source-known', source })
      await buses[1]?.send({ kind: 'client-deleted', clientId: 'alice', by: 'another' })
      const received = await take(messages, 4)
      expect(received.filter((message) => message !== 'resync' && message.kind === 'source-known')).toEqual([
        { kind: 'source-known', source },
        { kind: 'source-known', source },
      ])
      expect(received).toEqual(expect.arrayContaining([{ kind: 'client-deleted', clientId: 'alice', by: 'another' }]))
      await Promise.all(buses.map((bus) => bus.close()))
    })
  })
}
