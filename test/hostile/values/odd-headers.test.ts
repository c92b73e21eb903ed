import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import amqp, { type ConfirmChannel } from 'amqplib'
import { setWireType } from '../../../src/core/body/amqp-field-types.ts'
import { plainHeaders } from '../../../src/core/body/plain-headers.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { matcherOf } from '../../../src/core/sources/source-matcher.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { watchHub } from '../../support/gateway/hub-watch.ts'
import { freePort } from '../../support/network/ports.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { listens } from './raw-listeners.ts'

interface Odd {
  /** The input of amqplib's encoder. */
  readonly value: unknown
  /** The JSON in `headers`; more than one if RabbitMQ's stream changes the value. */
  readonly shown: readonly string[]
}

const typed = (type: string, value: unknown, ...shown: string[]): Odd => ({ value: { '!': type, value }, shown })

/**
 * Every type of header that a stream keeps, with its extreme values. A stream drops lists and
 * tables, and a decimal ends its publisher.
 */
const odd: readonly Odd[] = [
  typed('int64', 750727362669608961n, '750727362669608961'),
  typed('int64', 9223372036854775807n, '9223372036854775807'),
  typed('int64', -9223372036854775808n, '-9223372036854775808'),
  typed('int64', -9007199254740993n, '-9007199254740993'),
  typed('int64', 5, '5'),
  typed('int32', -2147483648, '-2147483648'),
  typed('uint32', 4294967295, '4294967295'),
  typed('int16', -32768, '-32768'),
  typed('uint16', 65535, '65535'),
  typed('int8', -128, '-128'),
  typed('uint8', 255, '255'),
  typed('double', 1.5, '1.5'),
  typed('double', 5, '5'),
  typed('double', 2 ** 51 + 0.5, String(2 ** 51 + 0.5)),
  typed('double', -0, '-0'),
  typed('double', 1.7976931348623157e308, '1.7976931348623157e+308'),
  typed('double', 5e-324, '5e-324'),
  typed('float', 0.25, '0.25'),
  typed('timestamp', 0, '"1970-01-01T00:00:00.000Z"'),
  typed('timestamp', 1_700_000_000, '"2023-11-14T22:13:20.000Z"'),
  typed('timestamp', 253_402_300_799, '"9999-12-31T23:59:59.000Z"'),
  typed('timestamp', 1_700_000_000_000, 'null'),
  typed('timestamp', 1_700_000_000_000_000, 'null'),
  { value: true, shown: ['true'] },
  { value: null, shown: ['null'] },
  { value: '', shown: ['""'] },
  { value: 'Grüße "\n"', shown: ['"Grüße \\"\\n\\""'] },
]

/**
 * Values that end RabbitMQ's own conversion into a stream, or that only another version keeps. The
 * test reads them from frames, but not through a journal.
 */
const beyondStreams: readonly Odd[] = [
  typed('double', Number.NaN, '"NaN"'),
  typed('double', Number.POSITIVE_INFINITY, '"Infinity"'),
  typed('float', Number.NEGATIVE_INFINITY, '"-Infinity"'),
  typed('timestamp', 2n ** 63n, 'null'),
  typed('timestamp', 2n ** 64n - 1n, 'null'),
  typed('decimal', { places: 2, digits: 1234 }, '12.34'),
  typed('decimal', { places: 255, digits: 1 }, `0.${'0'.repeat(254)}1`),
  { value: Buffer.from([0xff, 0]), shown: ['"/wA="'] },
  { value: ['a', { '!': 'int64', value: 9007199254740993n }], shown: ['["a",9007199254740993]'] },
  { value: { in: { '!': 'timestamp', value: 1_700_000_000_000_000 } }, shown: ['{"in":null}'] },
]

describe('on RabbitMQ', () => {
  let vhost: TestVhost
  let gateway: InProcessGateway
  let tcpPort: number
  let back: amqp.ChannelModel
  let publishing: ConfirmChannel

  beforeAll(async () => {
    vhost = await testVhost('odd-headers')
    tcpPort = await freePort()
    gateway = await openGateway({ WARREN_BROKER_URL: vhost.url, WARREN_TCP_PORT: String(tcpPort) })
    back = await amqp.connect(vhost.url)
    publishing = await back.createConfirmChannel()
    await eventually('the gateway to be ready', () => gateway.gateway.up)
  })
  afterAll(async () => {
    await back?.close()
    await gateway?.close()
    await vhost?.close()
  })

  async function publishOdd(channel: string): Promise<string[]> {
    const random = new Seeded(7)
    const expected: string[] = []
    for (let message = 0; message < 12; message += 1) {
      // Each is chosen at least once.
      const chosen = message === 0 ? odd : random.some(odd, 5)
      const headers = Object.fromEntries(chosen.map(({ value }, index) => [`h${index}`, value]))
      const timestamp = random.pick([1_700_000_000, 1_700_000_000_000, 1_700_000_000_000_000, Number.MAX_SAFE_INTEGER])
      publishing.publish('warren.events', `client.${channel}`, Buffer.from('{"n":1.10}'), {
        contentType: 'application/json',
        messageId: `${channel}-${message}`,
        headers,
        timestamp,
      })
      expected.push(`{${chosen.map(({ shown: [first] }, index) => `"h${index}":${first}`).join(',')}}`)
    }
    await publishing.waitForConfirms()
    return expected
  }

  const headersIn = (text: string): string | undefined => /"headers":(\{.*?\})[,}]/s.exec(text)?.[1]
  const publishedIn = (text: string): string | undefined => /"publishedAt":("[^"]*"|null)/.exec(text)?.[1]

  test.each([...listens.keys()].filter((name) => name !== 'SocketCluster'))(
    'every header is shown with all of its digits over %s, live and on resume',
    async (name) => {
      const listen = listens.get(name)
      if (!listen) throw new Error('no such transport')
      const channel = name.replace(/\W/g, '')
      const token = await gateway.clientToken(channel)
      const after = printCursor(await gateway.gateway.position())
      const hub = watchHub(gateway.gateway.hub)
      await using live = await listen({ gateway, tcpPort, channel, token })
      await hub.until(1)
      const expected = await publishOdd(channel)
      const sorted = (text: string | undefined) => text?.slice(1, -1).split(',"').sort()
      for (const each of expected) expect(sorted(headersIn(await live.next()))).toEqual(sorted(each))
      await using late = await listen({ gateway, tcpPort, channel, token, after })
      for (const each of expected) {
        const text = await late.next()
        expect(sorted(headersIn(text))).toEqual(sorted(each))
        expect([undefined, 'null', '"2023-11-14T22:13:20.000Z"']).toContain(publishedIn(text))
      }
      await live[Symbol.asyncDispose]()
      await late[Symbol.asyncDispose]()
      await hub.until(0)
    },
  )

  test('an integer of 64 bits names its client digit by digit, and no float does', async () => {
    const exchange = 'users'
    await gateway.gateway.createSource({
      exchange,
      exchangeType: 'FANOUT',
      routingKey: '#',
      clientId: { header: 'user' },
    })
    const id = '750727362669608961'
    const listen = listens.get('plain WebSocket')
    if (!listen) throw new Error('no such transport')
    const hub = watchHub(gateway.gateway.hub)
    await using right = await listen({ gateway, tcpPort, channel: id, token: await gateway.clientToken(id) })
    const rounded = '750727362669609000'
    await using wrong = await listen({ gateway, tcpPort, channel: rounded, token: await gateway.clientToken(rounded) })
    await using five = await listen({ gateway, tcpPort, channel: '5', token: await gateway.clientToken('5') })
    await hub.until(3)
    const users = [
      { '!': 'int64', value: BigInt(id) },
      { '!': 'double', value: 750727362669609000 },
      { '!': 'double', value: 5 },
      { '!': 'int64', value: 5 },
    ]
    for (const [n, user] of users.entries())
      publishing.publish(exchange, '', Buffer.from(String(n)), { headers: { user } })
    publishing.publish(exchange, '', Buffer.from('"end"'), { headers: { user: rounded } })
    await publishing.waitForConfirms()
    expect(await right.next()).toContain('"data":0')
    expect(await wrong.next()).toContain('"data":"end"')
    expect(await five.next()).toContain('"data":3')
  })
})

describe('a printed value', () => {
  test('exists for every value, and is JSON', () => {
    const all = [...odd, ...beyondStreams]
    for (const { value, shown } of all) {
      const text = printJson(plainHeaders({ value }))
      expect(text).toBe(`{"value":${shown[0]}}`)
      expect(() => JSON.parse(text ?? '') as unknown).not.toThrow()
    }
    const wild = [
      undefined,
      () => 1,
      Symbol('s'),
      new Date(Number.NaN),
      { '!': 'timestamp', value: 'x' },
      { '!': 'decimal' },
    ]
    for (const value of [...wild, { '!': 'decimal', value: { places: -1, digits: 2 } }]) {
      expect(() => JSON.parse(printJson(plainHeaders({ value })) ?? '') as unknown).not.toThrow()
    }
  })

  test('a table that resembles a value with its type is a table', () => {
    const headers = { trap: { '!': 'timestamp', value: 'no time' } }
    setWireType(headers, 'trap', 'table')
    expect(printJson(plainHeaders(headers))).toBe('{"trap":{"!":"timestamp","value":"no time"}}')
  })

  test('an invalid or rounded number has no client', () => {
    const match = matcherOf({ exchange: 'x', exchangeType: 'FANOUT', routingKey: '#', clientId: { header: 'user' } })
    const audienceOf = (user: unknown) =>
      match({
        exchange: 'x',
        routingKey: '',
        body: Buffer.alloc(0),
        properties: { headers: { user } },
        redelivered: false,
        receivedAt: 0,
      })
    expect([Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 60, {}, null].map(audienceOf)).toEqual([
      [],
      [],
      [],
      [],
      [],
      [],
    ])
    expect([5, -5, 2n ** 63n, 'a'].map(audienceOf)).toEqual([['5'], ['-5'], ['9223372036854775808'], ['a']])
  })
})
