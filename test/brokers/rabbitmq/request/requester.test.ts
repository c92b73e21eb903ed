import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { RabbitRequester } from '../../../../src/brokers/rabbitmq/request/requester.ts'
import type { Request } from '../../../../src/core/ports/requester.ts'
import { Inbox } from '../../../support/frames/inbox.ts'
import { type TcpProxy, tcpProxy } from '../../../support/network/tcp-proxy.ts'
import { rabbit, type TestVhost, testVhost } from '../../../support/rabbitmq/broker.ts'
import { connectionsTo, plainConnection, take } from '../connections.ts'

let vhost: TestVhost
let proxy: TcpProxy
let backEnd: ChannelModel & AsyncDisposable
let responder: Channel
let requests: Inbox<ConsumeMessage>
const open: RabbitRequester[] = []

beforeAll(async () => {
  vhost = await testVhost('requester')
  proxy = await tcpProxy(rabbit.port)
  backEnd = await plainConnection(vhost.url)
  responder = await backEnd.createChannel()
  await responder.assertExchange('pricing', 'topic')
  await responder.assertQueue('quotes')
  await responder.bindQueue('quotes', 'pricing', 'quote.*')
  await responder.consume('quotes', (message) => message && requests.push(message), { noAck: true })
})
beforeEach(() => {
  requests = new Inbox('requests')
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((made) => made.close()))
})
afterAll(async () => {
  await backEnd?.[Symbol.asyncDispose]()
  await proxy?.close()
  await vhost?.close()
})

function requester(url = vhost.url, limits = {}): RabbitRequester {
  const made = new RabbitRequester(connectionsTo(url), {
    maxMessageBytes: 1_000_000,
    maxWaitingBytes: 1_000_000,
    ...limits,
  })
  open.push(made)
  return made
}

/** The URL of the broker behind a proxy. A test can cut its connections. */
function proxied(): string {
  const url = new URL(vhost.url)
  url.port = String(proxy.port)
  return url.href
}

function to(routingKey: string, change: Partial<Request> = {}): Request {
  return { exchange: '', routingKey, body: Buffer.from('{}'), properties: {}, timeoutMs: 20_000, ...change }
}

function reply({ properties }: ConsumeMessage, text: string, headers: Record<string, unknown> = {}): void {
  const { replyTo, correlationId } = properties as { replyTo: string; correlationId: string }
  responder.publish('', replyTo, Buffer.from(text), { correlationId, headers, contentType: 'application/json' })
}

describe('a request', () => {
  test.each([
    ['the default exchange', to('quotes')],
    ['an exchange', to('quote.book', { exchange: 'pricing' })],
  ])('over %s reaches the responder and resolves with its reply', async (_exchange, request) => {
    const sent = requester().request({ ...request, properties: { type: 'quote', contentType: 'application/json' } })
    const received = await requests.next()
    expect(received.properties).toMatchObject({
      type: 'quote',
      contentType: 'application/json',
      expiration: '20000',
      replyTo: expect.stringMatching(/^amq\.rabbitmq\.reply-to\./),
    })
    reply(received, '{"price":1}', { id: { '!': 'int64', value: 750727362669608961n } })
    const { body, properties } = await sent
    expect(String(body)).toBe('{"price":1}')
    expect(properties.headers).toEqual({ id: 750727362669608961n })
  })

  test('that no queue takes fails at once, and requests under way do not', async () => {
    const asking = requester()
    const slow = asking.request(to('quotes'))
    await expect(asking.request(to('no-such-queue'))).rejects.toMatchObject({
      code: 'NO_RESPONDER',
      message: expect.stringContaining('no queue takes "no-such-queue"'),
    })
    await expect(asking.request(to('quote.a.b', { exchange: 'pricing' }))).rejects.toMatchObject({
      code: 'NO_RESPONDER',
    })
    await expect(asking.request(to('x', { exchange: 'no-such-exchange' }))).rejects.toMatchObject({
      code: 'NO_RESPONDER',
      message: expect.stringContaining('exchange "no-such-exchange" does not exist'),
    })
    reply(await requests.next(), '1')
    expect(String((await slow).body)).toBe('1')
  })

  test('without a reply in time fails, and a late or repeated reply reaches no other request', async () => {
    const asking = requester()
    await expect(asking.request(to('quotes', { timeoutMs: 300 }))).rejects.toMatchObject({ code: 'REQUEST_TIMEOUT' })
    reply(await requests.next(), '"late"')
    const next = asking.request(to('quotes'))
    const received = await requests.next()
    reply(received, '"first"')
    reply(received, '"second"')
    expect(String((await next).body)).toBe('"first"')
    expect(asking.inFlight).toBe(0)
  })

  test('with properties that AMQP cannot carry, or too large, is refused before it is sent', async () => {
    const asking = requester()
    await expect(asking.request(to('quotes', { properties: { type: 'x'.repeat(256) } }))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'type',
    })
    const headers = { text: 'x'.repeat(200_000) }
    await expect(asking.request(to('quotes', { properties: { headers } }))).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'headers',
    })
    await expect(asking.request(to('quotes', { body: Buffer.alloc(1_000_001) }))).rejects.toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
    })
    expect(asking.inFlight).toBe(0)
  })

  test('is one of 1,000 in flight, and each gets its own reply in whatever order they come', async () => {
    const asking = requester()
    const bodies = Array.from({ length: 1_000 }, (_, index) => String(index))
    const replies = bodies.map((body) => asking.request(to('quotes', { body: Buffer.from(body) })))
    const received = await take(requests, 1_000)
    for (const request of received.toReversed()) reply(request, `${String(request.content)}!`)
    expect((await Promise.all(replies)).map(({ body }) => String(body))).toEqual(bodies.map((body) => `${body}!`))
    expect(asking.inFlight).toBe(0)
  })
})

describe('without the broker, a request', () => {
  test('that was sent fails at once and may have run; the next one works when the broker is back', async () => {
    const asking = requester(proxied())
    const sent = asking.request(to('quotes'))
    await requests.next()
    proxy.cut()
    await expect(sent).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', mayHaveRun: true })
    const next = asking.request(to('quotes'))
    reply(await requests.next(), '2')
    expect(String((await next).body)).toBe('2')
  })

  test('that was not sent fails at its time-out, and has not run', async () => {
    const asking = requester('amqp://127.0.0.1:1')
    await expect(asking.request(to('quotes', { timeoutMs: 200 }))).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      mayHaveRun: false,
    })
    expect(asking.inFlight).toBe(0)
  })

  test('waits within a bound of bytes', async () => {
    const asking = requester('amqp://127.0.0.1:1', { maxWaitingBytes: 10 })
    const body = Buffer.alloc(8)
    const first = asking.request(to('quotes', { body, timeoutMs: 200 }))
    await expect(asking.request(to('quotes', { body }))).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    await expect(first).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  })
})

test('closing rejects every open request', async () => {
  const asking = requester()
  const sent = asking.request(to('quotes'))
  await requests.next()
  const closed = asking.close()
  await expect(sent).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE', mayHaveRun: true })
  await closed
  await expect(asking.request(to('quotes'))).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
  expect(asking.inFlight).toBe(0)
})
