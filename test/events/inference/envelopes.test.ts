import { describe, expect, test } from '@jest/globals'
import { type EventSample, sampleOf } from '../../../src/events/inference/event-sample.ts'
import { infer } from '../../../src/events/inference/infer.ts'

function inferred(...samples: Partial<EventSample>[]): string {
  return infer(
    samples.map((sample) => ({ routingKey: '', properties: {}, body: null, ...sample })),
    { exchange: 'things' },
  )
}

/** The names of the headers that became fields, of messages that have these. */
function headerFields(body: unknown, ...headers: Record<string, unknown>[]): string[] {
  const sdl = inferred(...headers.map((of) => ({ body, properties: { headers: of } })))
  return [...sdl.matchAll(/@from\(header: "([^"]+)"/g)].map(([, name = '']) => name)
}

const structured = { specversion: '1.0', type: 'made', source: '/a', id: '1', time: '2026-11-28T10:00:00Z' }
const binary = { 'ce-specversion': '1.0', 'ce-type': 'made', 'ce-source': '/a' }
const massTransit = { messageType: ['urn:message:A:Made'], messageId: '1', message: { a: 1 } }
const spring = { __TypeId__: 'com.example.Made' }

describe('an envelope', () => {
  test('of CloudEvents in structured mode has its data and its attributes', () => {
    const sdl = inferred({ body: { ...structured, data: { a: 1 }, tenant: 'x', datacontenttype: 'application/json' } })
    expect(sdl).toContain('@events(exchange: "things", body: "/data", typeFrom: { envelope: "/type" })')
    expect([...sdl.matchAll(/^ {2}(\w+): \S+ @from\(envelope: "([^"]+)"/gm)].map(([, name, at]) => [name, at])).toEqual(
      [
        ['eventSource', '/source'],
        ['eventId', '/id'],
        ['eventTime', '/time'],
        ['tenant', '/tenant'],
      ],
    )
  })

  test.each<[what: string, one: Partial<EventSample>, other: Partial<EventSample>, mark: string]>([
    ['CloudEvents, structured', { body: { ...structured, data: 1 } }, { body: { ...structured, id: 7 } }, '/type'],
    [
      'CloudEvents, binary',
      { properties: { headers: binary }, body: { a: 1 } },
      { properties: { headers: { ...binary, 'ce-source': 7 } }, body: { a: 1 } },
      'ce-type',
    ],
    ['MassTransit', { body: massTransit }, { body: { ...massTransit, messageType: [] } }, '/messageType'],
    ['MassTransit', { body: massTransit }, { body: { ...massTransit, messageType: [''] } }, '/messageType'],
    ['MassTransit', { body: massTransit }, { body: { ...massTransit, messageType: [7] } }, '/messageType'],
    ['MassTransit', { body: massTransit }, { body: { messageType: massTransit.messageType } }, '/messageType'],
    ['MassTransit', { body: massTransit }, { body: { ...massTransit, messageType: 'urn:A' } }, '/messageType'],
    ['Spring', { properties: { headers: spring }, body: { a: 1 } }, { body: { a: 1 } }, '__TypeId__'],
  ])('of %s counts only if all messages have it', (_what, one, other, mark) => {
    const typeFrom = (sdl: string) => /typeFrom: \{ (?:envelope|header): "([^"]+)"/.exec(sdl)?.[1]
    expect(typeFrom(inferred(one, one))).toBe(mark)
    expect(typeFrom(inferred(one, other))).toBeUndefined()
    expect(typeFrom(inferred(other, one))).toBeUndefined()
  })

  test('of MassTransit has the attributes that are about the event', () => {
    const sdl = inferred({
      body: { ...massTransit, conversationId: 'c', sourceAddress: 'rabbitmq://a', host: { machineName: 'a' } },
    })
    expect(sdl).toContain('body: "/message"')
    expect([...sdl.matchAll(/@from\(envelope: "([^"]+)"/g)].map(([, at]) => at)).toEqual([
      '/messageId',
      '/conversationId',
    ])
  })
})

describe('headers become fields', () => {
  test.each<[what: string, body: unknown, headers: Record<string, unknown>[], fields: string[]]>([
    [
      'about the event',
      { a: 1 },
      [{ tenant: 'x', 'x-region': 'eu', priority: 3, open: true }],
      ['tenant', 'x-region', 'priority', 'open'],
    ],
    ['that some messages lack', { a: 1 }, [{ tenant: 'x' }, {}], ['tenant']],
    ['but no tables, arrays and nulls', { a: 1 }, [{ t: {}, l: ['a'], n: null, tenant: 'x' }], ['tenant']],
    ['but none that is a table in one message', { a: 1 }, [{ tenant: 'x' }, { tenant: {} }], []],
    [
      'but none of brokers and libraries',
      { a: 1 },
      [
        {
          'x-death': 'a',
          'X-First-Death-Queue': 'a',
          traceparent: 'a',
          b3: 'a',
          'Content-Type': 'a',
          CC: 'a',
          tenant: 'x',
          max: 'y',
        },
      ],
      ['tenant', 'max'],
    ],
    [
      'but none of MassTransit',
      massTransit,
      [{ 'MT-Activity-Id': 'a', publishId: '1', 'Content-Type': 'a', 'not-MT-': 'b', tenant: 'x' }],
      ['not-MT-', 'tenant'],
    ],
    ['but none of Spring', { a: 1 }, [{ ...spring, __ContentTypeId__: 'a', tenant: 'x', a__: 'b' }], ['tenant', 'a__']],
    ['but no name that is too long', { a: 1 }, [{ ['a'.repeat(256)]: 'x', ['b'.repeat(255)]: 'y' }], ['b'.repeat(255)]],
    [
      'of CloudEvents without prefix',
      { a: 1 },
      [{ specversion: '1.0', type: 'made', source: '/a', id: '1', tenant: 'x', dataschema: 's' }],
      ['source', 'id', 'tenant'],
    ],
  ])('%s', (_what, body, headers, fields) => {
    expect(headerFields(body, ...headers)).toEqual(fields)
  })

  test('of CloudEvents, and others beside them', () => {
    expect(headerFields({ a: 1 }, { ...binary, 'ce-id': '1', tenant: 'x', traceparent: 't' })).toEqual([
      'ce-source',
      'ce-id',
      'tenant',
    ])
  })
})

describe('an event type', () => {
  test('in a word of the routing key counts only if all keys have as many words', () => {
    const opened = { routingKey: 'door.opened', body: { by: 'a' } }
    expect(inferred(opened, { routingKey: 'door.broken', body: { damage: 3 } })).toContain('typeFrom: { word:')
    expect(inferred(opened, { routingKey: 'door.broken.now', body: { damage: 3 } })).not.toContain('typeFrom')
    expect(inferred(opened, { routingKey: 'door.7', body: { damage: 3 } })).not.toContain('typeFrom')
    expect(inferred(opened, { routingKey: 'door.b7', body: { damage: 3 } })).not.toContain('typeFrom')
  })

  test('of more than 12 kinds with equal payloads is a name of one type', () => {
    const of = (count: number, rest: Partial<EventSample>[] = []) =>
      inferred(...Array.from({ length: count }, (_, n) => ({ properties: { type: `t${n}` }, body: { a: 1 } })), ...rest)
    const other = [{ properties: { type: 'other' }, body: { b: 1 } }]
    expect(of(11, other).match(/^type Thing\w*/gm)).toHaveLength(12)
    expect(of(12, other).match(/^type Thing\w*/gm)).toHaveLength(2)
  })
})

describe('a sample', () => {
  const message = { exchange: 'e', routingKey: 'k', redelivered: false, receivedAt: 0 }

  test('has the body as JSON', () => {
    const properties = { contentType: 'application/json', type: 't' }
    expect(sampleOf({ ...message, properties, body: Buffer.from('{"a":1}') })).toEqual({
      routingKey: 'k',
      properties,
      body: { a: 1 },
    })
  })

  test('has no body if that is no JSON, though labelled as JSON', () => {
    const properties = { contentType: 'application/json' }
    const none = { routingKey: 'k', properties, body: undefined }
    expect(sampleOf({ ...message, properties, body: Buffer.from('{') })).toEqual(none)
    const gzip = { contentType: 'application/json', contentEncoding: 'gzip' }
    expect(sampleOf({ ...message, properties: gzip, body: Buffer.from('no gzip') }).body).toBeUndefined()
  })

  test('is not made of an error that is no fault of the body', () => {
    const body = new Proxy(Buffer.from('{}'), {
      get: () => {
        throw new TypeError('bug')
      },
    })
    expect(() => sampleOf({ ...message, properties: { contentType: 'application/json' }, body })).toThrow('bug')
  })
})
