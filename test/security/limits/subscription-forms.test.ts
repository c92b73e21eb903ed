import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { names, preferred, qualityOf, qualityOfCoding } from '../../../src/transports/http/media-types.ts'
import { publish } from '../../client/numbered-messages.ts'
import { eventually } from '../../support/eventually.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'

let gateway: InProcessGateway
let authorization: string

beforeAll(async () => {
  gateway = await openGateway({ WARREN_KEEP_ALIVE: '500ms' })
  authorization = `Bearer ${gateway.operatorToken}`
})
afterAll(() => gateway?.close())

const subscription = 'subscription { channel(clientId: "alice", after: "none") { kind } }'

interface Answer {
  readonly socket: Socket
  text: () => string
  until: (pattern: RegExp) => Promise<string>
}

/** Subscribes by each method with each `Accept` before the tests of a `describe`. */
function askedAtOnce(accepted: readonly (string | undefined)[], methods: readonly string[]) {
  const answers = new Map<string | undefined, readonly Answer[]>()
  beforeAll(async () => {
    await Promise.all(
      accepted.map(async (accept) =>
        answers.set(accept, await Promise.all(methods.map((method) => ask(accept, { method })))),
      ),
    )
  })
  return {
    to: (accept: string | undefined) => answers.get(accept) ?? [],
    close: () => [...answers.values()].flat().forEach(({ socket }) => socket.destroy()),
  }
}

/** Sends exactly these headers, because `fetch` adds an `Accept`. */
async function ask(
  accept: string | undefined,
  { query = subscription, method = 'POST' }: { query?: string; method?: string } = {},
): Promise<Answer> {
  const body = method === 'POST' ? JSON.stringify({ query }) : ''
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1')
  let text = ''
  socket.setEncoding('utf8').on('data', (piece: string) => {
    text += piece
  })
  await once(socket, 'connect')
  const path = method === 'GET' ? `/graphql?query=${encodeURIComponent(query)}` : '/graphql'
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: ${authorization}`,
    ...(accept === undefined ? [] : [`accept: ${accept}`]),
    ...(method === 'POST' ? ['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`] : []),
  ]
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  return {
    socket,
    text: () => text,
    until: (pattern) => eventually(`${pattern} in the answer`, () => (pattern.test(text) ? text : undefined)),
  }
}

describe('a subscription is answered with server-sent events by the one writer', () => {
  const accepted = [
    'text/event-stream',
    '*/*',
    undefined,
    '',
    'text/*',
    'TEXT/Event-Stream',
    'text/event-stream;q=0.5',
    'application/json, text/event-stream;q=0.1',
    'text/plain, */*;q=0.1',
    'text/event-stream, multipart/mixed',
    'multipart/mixed;subscriptionSpec="1.0";q=0.9, text/event-stream',
    'multipart/mixed;subscriptionSpec="2.0", */*',
  ]
  // All at once, because each waits for a keep-alive.
  const answers = askedAtOnce(accepted, ['POST', 'GET'])

  test.each(accepted.map((accept) => [accept]))('if Accept is %s', async (accept) => {
    for (const { until } of answers.to(accept)) {
      const text = await until(/"kind":"GAP"[\s\S]*\n:\n\n/)
      expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*content-type: text\/event-stream; charset=utf-8\r\n/i)
      // The reconnection time, the cursor of each event, and a keep-alive while nothing happens.
      expect(text).toMatch(/\r\n\r\n[\s\S]*retry: \d+\n\n[\s\S]*id: \S+\nevent: next\ndata: \{"data"/)
    }
  })

  test('and ends with its connection', async () => {
    expect(gateway.gateway.hub.size).toBe(2 * accepted.length)
    answers.close()
    await eventually('the subscriptions to end', () => gateway.gateway.hub.size === 0)
  })

  test.each([
    ['application/json'],
    ['application/graphql-response+json, application/json;q=0.9'],
    ['multipart/mixed;deferSpec=20220824, application/json'],
    ['multipart/mixed;subscriptionSpec=2.0, application/json'],
    ['text/event-stream;q=0, */*'],
    ['text/plain'],
    ['image/*'],
  ])('and refused with 406 if Accept is %s', async (accept) => {
    const { socket, until } = await ask(accept)
    const text = await until(/\}\]\}/)
    expect(text).toMatch(/^HTTP\/1\.1 406 [\s\S]*"message":"Accept: expected .*text\/event-stream/)
    expect(gateway.gateway.sessions.size).toBe(0)
    socket.destroy()
  })
})

describe('a subscription is answered in parts', () => {
  const part = (json: string) => `\r\ncontent-type: application/json\r\n\r\n${json}\r\n--graphql`

  const accepted: readonly [accept: string, specification: string | undefined][] = [
    ['multipart/mixed;subscriptionSpec="1.0", application/json', 'subscriptionSpec=1.0'],
    ['multipart/mixed;boundary="graphql";subscriptionSpec=1.0,application/json', 'subscriptionSpec=1.0'],
    ['Multipart/Mixed; SubscriptionSpec=1.0', 'subscriptionSpec=1.0'],
    ['multipart/mixed;subscriptionSpec="1.0", text/event-stream', 'subscriptionSpec=1.0'],
    ['multipart/mixed, multipart/mixed;subscriptionSpec="1.0", */*', 'subscriptionSpec=1.0'],
    ['multipart/mixed', undefined],
    ['multipart/mixed, application/json', undefined],
    ['text/event-stream;q=0.9, multipart/mixed;boundary=","', undefined],
  ]
  const answers = askedAtOnce(
    accepted.map(([accept]) => accept),
    ['POST'],
  )
  afterAll(() => answers.close())

  test.each(accepted)('if Accept is %s', async (accept, specification) => {
    const [answer] = answers.to(accept)
    const text = (await answer?.until(/"kind":"GAP"[\s\S]*\{\}\r\n--graphql/)) ?? ''
    const type = `multipart/mixed; boundary=graphql${specification ? `; ${specification}` : ''}\r\n`
    expect(text).toContain(`content-type: ${type}`)
    const body = unchunked(text)
    const result = '{"data":{"channel":{"kind":"GAP"}}}'
    const payload = specification ? `{"payload":${result}}` : result
    // A heartbeat at once, the event, and a heartbeat while nothing happens.
    expect(body.startsWith(`\r\n--graphql${part('{}')}${part(payload)}${part('{}')}`)).toBe(true)
  })

  test.each([
    ['multipart/mixed;subscriptionSpec="1.0"', '{"payload":null,"errors":'],
    ['multipart/mixed', '{"errors":'],
  ])('and an error that keeps it from beginning is the only part if Accept is %s', async (accept, start) => {
    const { socket, until } = await ask(accept, { query: 'subscription { nothing }' })
    const body = unchunked(await until(/--graphql--/))
    expect(body).toContain(`\r\n\r\n${start}[{"message":"Cannot query field`)
    expect(body.endsWith('\r\n--graphql--\r\n')).toBe(true)
    socket.destroy()
  })
})

/** The body of a response, without its chunks. */
function unchunked(response: string): string {
  let rest = response.slice(response.indexOf('\r\n\r\n') + 4)
  if (!/\r\ntransfer-encoding: chunked\r\n/i.test(response)) return rest
  let body = ''
  for (;;) {
    const [line = ''] = rest.split('\r\n', 1)
    const length = Number.parseInt(line, 16)
    if (!(length > 0)) return body
    body += rest.slice(line.length + 2, line.length + 2 + length)
    rest = rest.slice(line.length + 4 + length)
  }
}

describe('an operation other than a subscription', () => {
  test.each([
    ['*/*', 'application/json'],
    [undefined, 'application/json'],
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['text/event-stream, application/json', 'application/json'],
    ['multipart/mixed, application/json', 'application/json'],
    ['Text/Event-Stream', 'text/event-stream'],
    ['text/event-stream, application/json;q=0.5', 'text/event-stream'],
  ])('is answered in the preferred form: Accept %s', async (accept, type) => {
    const { socket, until } = await ask(accept, { query: '{ gateway { version } }' })
    const text = await until(/"version":.*\}\}\}/)
    expect(text.toLowerCase()).toContain(`content-type: ${type}; charset=utf-8`)
    if (type === 'text/event-stream') expect(await until(/event: complete/)).toMatch(/event: next\ndata: \{"data"/)
    socket.destroy()
  })

  test('is not executed if no form of its answer is accepted', async () => {
    for (const accept of ['multipart/mixed', 'text/html', 'application/json;q=0']) {
      const query = 'mutation { createRabbitChannel(input: { routingKey: "never.{clientId}" }) { id } }'
      const { socket, until } = await ask(accept, { query })
      expect(await until(/^HTTP\/1\.1 \d+/)).toMatch(/^HTTP\/1\.1 406 /)
      socket.destroy()
    }
    expect(gateway.gateway.sources.list().map(({ routingKey }) => routingKey)).not.toContain('never.{clientId}')
  })
})

test.each([['*/*'], [undefined], ['text/*']])(
  'subscribers that read nothing are ended if Accept is %s',
  async (accept) => {
    const query = 'subscription { channel(clientId: "stalled") { data } }'
    const stalled = await Promise.all(Array.from({ length: 10 }, () => ask(accept, { query })))
    await eventually('all clients to be subscribed', () => gateway.gateway.hub.size === stalled.length)
    for (const { socket } of stalled) socket.pause()
    // For each client more than the buffers of the system hold.
    for (let n = 0; n < 8; n += 1) await publish(gateway, 'stalled', 'x'.repeat(1024 * 1024))
    await eventually('all responses to end', () => gateway.gateway.sessions.size === 0)
    for (const { socket } of stalled) socket.destroy()
  },
)

describe('media types', () => {
  test.each([
    ['text/*;q=0.3, text/event-stream;q=0.7, */*;q=0.5', 'text/event-stream', 0.7],
    ['text/*;q=0.3, */*;q=0.5', 'text/event-stream', 0.3],
    ['*/*;q=0.5, text/event-stream;q=0', 'text/event-stream', 0],
    [' Text/Event-Stream ; Q=0.25 ', 'text/event-stream', 0.25],
    ['text/event-stream;q=abc', 'text/event-stream', 1],
    ['text/event-stream;charset="UTF-8"', 'text/event-stream', 1],
    ['text/event-stream;charset=latin1', 'text/event-stream', 0],
    [',,', 'text/event-stream', 0],
    [undefined, 'text/event-stream', 1],
    ['*/*', 'multipart/mixed', 0],
    ['multipart/mixed; boundary="a;b,c" ;q=0.4, a/b', 'multipart/mixed', 0.4],
    ['multipart/mixed;SubscriptionSpec="1.0"', 'multipart/mixed;subscriptionspec=1.0', 1],
    ['multipart/mixed;subscriptionSpec=1.0', 'multipart/mixed', 0],
    ['multipart/mixed;x="a\\"', 'multipart/mixed', 0],
  ])('%s wants %s by %d', (accept, type, quality) => {
    expect(qualityOf(accept, type)).toBe(quality)
  })

  test('of equals the first named wins, then the first offered', () => {
    expect(preferred('b/b, a/a', ['a/a', 'b/b'])).toBe('b/b')
    expect(preferred('*/*', ['a/a', 'b/b'])).toBe('a/a')
    expect(preferred('c/c', ['a/a', 'b/b'])).toBeUndefined()
    expect([names('*/*', 'a/a'), names('A/A', 'a/a'), names('a/a;q=0', 'a/a')]).toEqual([false, true, false])
    expect([
      qualityOfCoding('gzip, br;q=0', 'br'),
      qualityOfCoding('*', 'br'),
      qualityOfCoding(undefined, 'br'),
    ]).toEqual([0, 1, 0])
  })
})
