import { describe, expect, test } from '@jest/globals'
import { encode } from '@msgpack/msgpack'
import type { Message } from '../../../src/core/model/message.ts'
import type { Request } from '../../../src/core/ports/requester.ts'
import { badInput, GatewayError } from '../../../src/errors.ts'
import { RequestLimit } from '../../../src/events/publishing/request-limit.ts'
import { publisherOf, requesterOf } from '../../../src/events/publishing/send-message.ts'
import type { EventContext } from '../../../src/events/serving/event-context.ts'
import { binaryDecoders } from '../../../src/events/values/binary-decoders.ts'
import { schemaOf } from '../sdl/reading.ts'
import { alice, identityOf } from '../serving/typed-world.ts'

const { schema } = schemaOf(
  `
type Query {
  quote(sku: ID!): Quote @request(routingKey: "quotes", timeout: "2s") @allow(anonymous: true)
  event: Event @request(routingKey: "events") @allow(anonymous: true)
}
type Mutation {
  place(id: ID!): Published! @publish(exchange: "orders", routingKey: "order.{id}") @allow(anonymous: true)
  note(id: ID!): Published! @publish(exchange: "notes", routingKey: "note", mandatory: false) @allow(anonymous: true)
}
type Quote { sku: ID!  price: Int!  margin: Int @allow(scopes: ["margins"]) }
union Event = More | Other
type More @eventType(name: "more") { id: ID }
type Other @eventType(name: "other") { id: ID }
`,
  { core: false },
)
const maxDecodedBytes = 1_000
const found = <Field>(fields: ReadonlyMap<string, Field>, name: string): Field => {
  const field = fields.get(name)
  if (!field) throw new Error(name)
  return field
}

function contextOf(publish: (...given: unknown[]) => Promise<unknown> = async () => {}, more = {}): EventContext {
  return { identity: alice, address: '192.0.2.7', gateway: { publish }, session: undefined, ...more } as never
}

describe('a mutation with @publish', () => {
  async function call(name: string, error?: Error) {
    const results: unknown[] = []
    const published: unknown[][] = []
    const publish = publisherOf(schema, found(schema.publications, name), (...result) => results.push(result))
    const context = contextOf(async (...given) => {
      published.push(given)
      if (error) throw error
    })
    const outcome = await publish({ id: '7' }, context).catch((reason: unknown) => reason)
    return { outcome, results, published }
  }

  test('publishes its message on the account of the caller, and returns its id', async () => {
    const { outcome, results, published } = await call('place')
    const [message, payer] = published[0] as [{ exchange: string; properties: { messageId: string } }, string]
    expect(message).toMatchObject({ exchange: 'orders', routingKey: 'order.7', body: Buffer.from('{"id":"7"}') })
    expect(Object.keys(message)).toEqual(['exchange', 'routingKey', 'body', 'properties'])
    expect(payer).toBe('client alice')
    expect(outcome).toEqual({ messageId: message.properties.messageId })
    expect(message.properties).toMatchObject({
      timestamp: expect.any(Number),
      headers: { traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/) },
    })
    expect(results).toEqual([['place', 'confirmed']])
  })

  test.each([
    ['place', 'routingKey'],
    ['place', 'exchange'],
    ['note', 'exchange'],
  ])('%s has no responder if RabbitMQ has no queue or no exchange for it (%s)', async (name, field) => {
    const cause = badInput(field, 'nothing is bound')
    const { outcome, results } = await call(name, cause)
    expect(outcome).toMatchObject({
      code: 'NO_RESPONDER',
      message: `no queue takes the messages of ${name}: try again later`,
      cause,
    })
    expect(results).toEqual([[name, 'failed']])
  })

  test('is confirmed without a queue if it need not have one', async () => {
    const { outcome, results } = await call('note', badInput('routingKey', 'nothing is bound'))
    expect(outcome).toEqual({ messageId: expect.any(String) })
    expect(results).toEqual([['note', 'confirmed']])
  })

  test.each([
    ['another argument', badInput('messageId', 'too long')],
    ['another error', new GatewayError('BROKER_UNAVAILABLE', 'away')],
    ['another code for the key', Object.assign(new GatewayError('FORBIDDEN', 'no'), { field: 'routingKey' })],
    ['a bug', Object.assign(new TypeError('bug'), { code: 'BAD_USER_INPUT', field: 'exchange' })],
  ])('fails with the error of the broker for %s', async (_what, error) => {
    for (const name of ['place', 'note']) expect((await call(name, error)).outcome).toBe(error)
  })
})

describe('a field with @request', () => {
  const reply = (body: string | Uint8Array, properties: Message['properties'] = {}): Message => ({
    exchange: '',
    routingKey: 'r',
    body: Buffer.from(body),
    properties: { contentType: 'application/json', ...properties },
    redelivered: false,
    receivedAt: 0,
  })

  async function call(
    answer: Message | Error,
    { name = 'quote', limit = new RequestLimit(), more = {}, selected = [] as string[] } = {},
  ) {
    const requests: Request[] = []
    const invalid: unknown[] = []
    const requester = {
      inFlight: 0,
      close: async () => {},
      request: async (request: Request) => {
        requests.push(request)
        if (answer instanceof Error) throw answer
        return answer
      },
    }
    const request = requesterOf(schema, found(schema.requests, `Query.${name}`), {
      requester,
      limit,
      decoders: binaryDecoders,
      maxDecodedBytes,
      onPublished: () => {},
      onInvalid: (...given) => invalid.push(given),
    })
    const args = name === 'quote' ? { sku: '1' } : {}
    const outcome = await request(args, contextOf(undefined, more), selected).catch((reason: unknown) => reason)
    return { outcome, requests, invalid }
  }

  test('returns the reply as its type', async () => {
    const { outcome, requests, invalid } = await call(reply('{"sku":1,"price":2}'))
    expect(outcome).toMatchObject({ fields: { sku: '1', price: 2, margin: null } })
    expect(requests).toMatchObject([
      { exchange: '', routingKey: 'quotes', body: Buffer.from('{"sku":"1"}'), timeoutMs: 2_000 },
    ])
    expect(invalid).toEqual([])
    const packed = reply(encode({ sku: 'a', price: 3 }), { contentType: 'application/msgpack' })
    expect((await call(packed)).outcome).toMatchObject({ fields: { sku: 'a', price: 3 } })
  })

  test('sends nothing for a caller that may not select what it selects', async () => {
    const selected = ['Quote.margin']
    const { outcome, requests } = await call(reply('{}'), { selected })
    expect(outcome).toMatchObject({
      code: 'FORBIDDEN',
      message: 'this token does not allow you to use Query.quote in this way',
    })
    expect(requests).toEqual([])
    const identity = identityOf({ scope: 'margins' })
    expect((await call(reply('{"sku":1,"price":2}'), { selected, more: { identity } })).requests).toHaveLength(1)
  })

  test.each([
    ['{"sku":1}', {}, '/price', /^expected|^a|^an|Int/],
    ['{', {}, '', /^a body that decodes: /],
    [
      JSON.stringify({ sku: 1, price: 1, more: 'x'.repeat(20) }),
      { contentEncoding: 'gzip' },
      '',
      /^a body that decodes: /,
    ],
  ] as const)(
    'names the place of a reply of another form in the log only: %s',
    async (body, properties, pointer, expected) => {
      const { outcome, invalid } = await call(reply(body, properties))
      expect(outcome).toMatchObject({
        code: 'INVALID_EVENT',
        message: 'the reply to quote does not have the form that the schema declares',
      })
      expect(invalid).toEqual([['quote', pointer, expect.stringMatching(expected)]])
    },
  )

  test('takes event types of its union only', async () => {
    const { outcome, invalid } = await call(reply('{}', { type: 'lost' }), { name: 'event' })
    expect(outcome).toMatchObject({ code: 'INVALID_EVENT' })
    expect(invalid).toEqual([['event', '', 'an event type of the field']])
    expect((await call(reply('{"id":1}', { type: 'other' }), { name: 'event' })).outcome).toMatchObject({
      typeName: 'Other',
    })
  })

  test('hides no other error', async () => {
    const broken = {
      ...reply('{}'),
      properties: new Proxy({}, { get: (_target, name) => (name === 'headers' ? {} : fail()) }),
    }
    expect((await call(broken)).outcome).toBeInstanceOf(TypeError)
  })

  test.each([
    [{ 'x-error': 'sold out' }, 'sold out', 'RESPONDER_ERROR'],
    [{ 'x-error': 'sold out', 'x-error-code': 'SOLD_OUT' }, 'sold out', 'SOLD_OUT'],
    [{ 'x-error-code': 'SOLD_OUT' }, 'the responder reports an error', 'SOLD_OUT'],
    [{ 'x-error': '' }, 'the responder reports an error', 'RESPONDER_ERROR'],
    [{ 'x-error': 7, 'x-error-code': 7 }, 'the responder reports an error', 'RESPONDER_ERROR'],
    [{ 'x-error': 'x', 'x-error-code': 'not a code' }, 'x', 'RESPONDER_ERROR'],
    [{ 'x-error': 'x', 'x-error-code': 'A'.repeat(65) }, 'x', 'RESPONDER_ERROR'],
    [{ 'x-error': 'x', 'x-error-code': 'xA' }, 'x', 'RESPONDER_ERROR'],
    [{ 'x-error': 'x', 'x-error-code': 'A'.repeat(64) }, 'x', 'A'.repeat(64)],
  ])('reports the error of a responder: %j', async (headers, message, code) => {
    const { outcome, invalid } = await call(reply('{"sku":1,"price":2}', { headers }))
    expect(outcome).toMatchObject({ message, extensions: { code } })
    expect(invalid).toEqual([])
  })

  test('counts against the limit while it waits, whatever comes of it', async () => {
    const limit = new RequestLimit()
    const session = {}
    for (let count = 0; count < 19; count += 1) limit.take(session)
    for (let count = 0; count < 19; count += 1) limit.take('client alice')
    const away = new GatewayError('REQUEST_TIMEOUT', 'no reply came')
    for (const answer of [reply('{"sku":1,"price":2}'), away, reply('{')]) {
      expect((await call(answer, { limit, more: { session } })).requests).toHaveLength(1)
      expect((await call(answer, { limit })).requests).toHaveLength(1)
    }
    expect((await call(away)).outcome).toBe(away)
    limit.take(session)
    const refused = await call(reply('{}'), { limit, more: { session } })
    expect(refused.outcome).toMatchObject({ code: 'LIMIT_EXCEEDED' })
    expect(refused.requests).toEqual([])
    expect((await call(reply('{}'), { limit })).requests).toHaveLength(1)
  })
})

function fail(): never {
  throw new TypeError('a bug')
}

describe('the limit of requests', () => {
  test('is 20 for each caller, and what is over counts once', () => {
    const limit = new RequestLimit()
    const releases = Array.from({ length: 20 }, () => limit.take('a'))
    const refused = {
      code: 'LIMIT_EXCEEDED',
      limit: 'requestsOfSession',
      message: 'at most 20 requests in flight a session',
    }
    expect(errorOf(() => limit.take('a'))).toMatchObject(refused)
    limit.take('b')
    releases[0]?.()
    releases[0]?.()
    limit.take('a')
    expect(errorOf(() => limit.take('a'))).toMatchObject(refused)
    for (const release of releases.slice(1)) release()
    for (let count = 0; count < 19; count += 1) limit.take('a')
    expect(errorOf(() => limit.take('a'))).toMatchObject(refused)
  })

  test('is 1,000 for all callers together', () => {
    const limit = new RequestLimit()
    const releases = Array.from({ length: 1_000 }, (_, caller) => limit.take(caller))
    const refused = { code: 'LIMIT_EXCEEDED', limit: 'requests', message: 'at most 1000 requests in flight' }
    expect(errorOf(() => limit.take('other'))).toMatchObject(refused)
    for (const release of releases) release()
    for (let caller = 0; caller < 1_000; caller += 1) limit.take(caller)
    expect(errorOf(() => limit.take('other'))).toMatchObject(refused)
  })
})

function errorOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('expected an error')
}
