import { describe, expect, test } from '@jest/globals'
import { setWireType } from '../../../src/core/body/amqp-field-types.ts'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { Message } from '../../../src/core/model/message.ts'
import type { SourceDefinition } from '../../../src/core/model/source.ts'
import { describeRule, explainMatch } from '../../../src/core/sources/match-reason.ts'

function source(given: Partial<SourceDefinition> = {}): SourceDefinition {
  return { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'client.{clientId}', clientId: undefined, ...given }
}

function message(given: Partial<Message> = {}): Message {
  const empty = { exchange: 'orders', routingKey: 'client.alice', body: Buffer.alloc(0), properties: {} }
  return { ...empty, redelivered: false, receivedAt: 0, ...given }
}

const byHeader = source({ routingKey: '#', clientId: { header: 'to' } })
const byBody = source({ routingKey: '#', clientId: { bodyPointer: '/to' } })
const withBody = (text: string, contentType?: string) =>
  message({ body: Buffer.from(text), properties: contentType === undefined ? {} : { contentType } })
const withHeader = (to: unknown) => message({ properties: { headers: { to } } })

describe('the rule of a source', () => {
  test.each<[Partial<SourceDefinition>, string]>([
    [{}, 'word 2 of the key'],
    [{ routingKey: '{clientId}.x' }, 'word 1 of the key'],
    [{ routingKey: 'client.{clientId#}' }, 'word 2 and all behind it of the key'],
    [{ routingKey: '#.{clientId}' }, 'the last word of the key'],
    [{ routingKey: '#.{clientId}.x' }, 'word 2 of the key, counted from its end'],
    [{ routingKey: 'a.#.{clientId}' }, 'the last word of the key'],
    [{ routingKey: '{clientId}.#' }, 'word 1 of the key'],
    [{ routingKey: '#' }, 'none: only typed fields read its messages'],
    [{ clientId: { header: 'to' } }, 'the header "to"'],
    [{ clientId: { bodyPointer: '/to' } }, 'the body at "/to"'],
    [{ clientId: { fixed: 'bob' } }, 'always "bob"'],
    [{ clientId: { everyone: true } }, 'everyone'],
  ])('%j: %s', (given, text) => {
    expect(describeRule(source(given))).toBe(text)
  })
})

describe('why a source finds clients for a message, or none', () => {
  test.each<[string, SourceDefinition, Message, unknown, string]>([
    ['a client in the key', source(), message(), ['alice'], 'word 2 of the key'],
    ['everyone', source({ routingKey: '#', clientId: { everyone: true } }), message(), 'everyone', 'everyone'],
    [
      'another exchange',
      source(),
      message({ exchange: 'other' }),
      [],
      'it came through another exchange than "orders"',
    ],
    ['another key', source(), message({ routingKey: 'x' }), [], 'its key does not match "client.{clientId}"'],
    ['no client at all', source({ routingKey: '#' }), message(), [], 'only typed fields read it'],
    ['a header', byHeader, withHeader('bob'), ['bob'], 'the header "to"'],
    ['no headers', byHeader, message(), [], 'it has no header "to"'],
    [
      'an inherited name',
      source({ routingKey: '#', clientId: { header: 'toString' } }),
      withHeader('bob'),
      [],
      'it has no header "toString"',
    ],
    ['an empty header', byHeader, withHeader(''), [], 'the header "to" is empty'],
    ['null in a header', byHeader, withHeader(null), [], 'the header "to" is null, expected a text'],
    ['a list in a header', byHeader, withHeader([['bob']]), [], 'the header "to" is a list, expected a text'],
    [
      'a fraction in a header',
      byHeader,
      withHeader(1.5),
      [],
      'the header "to" is a number with a fraction, expected a text',
    ],
    ['true in a header', byHeader, withHeader(true), [], 'the header "to" is true or false, expected a text'],
    ['bytes in a header', byHeader, withHeader(Buffer.from('bob')), [], 'the header "to" is bytes, expected a text'],
    ['a table in a header', byHeader, withHeader({ a: 1 }), [], 'the header "to" is an object, expected a text'],
    ['a place in the body', byBody, withBody('{"to":"bob"}'), ['bob'], 'the body at "/to"'],
    ['nothing in the body', byBody, withBody('{"for":"bob"}'), [], '"/to" is not in the body'],
    ['an empty list', byBody, withBody('{"to":[]}'), [], '"/to" is an empty list'],
    ['a list of others', byBody, withBody('{"to":[1.5]}'), [], '"/to" is a list without a text or a whole number'],
    ['an empty text', byBody, withBody('{"to":""}'), [], '"/to" is an empty text'],
    ['a fraction', byBody, withBody('{"to":1.5}'), [], '"/to" is a number with a fraction, expected a text'],
    [
      'a fraction that no double holds',
      byBody,
      withBody('{"to":0.12345678901234567890123}'),
      [],
      '"/to" is a number with a fraction, expected a text',
    ],
    ['an object', byBody, withBody('{"to":{}}'), [], '"/to" is an object, expected a text'],
    ['no JSON', byBody, withBody('hello'), [], 'it has no content type, and its body is not JSON'],
    ['another type', byBody, withBody('hello', 'text/plain'), [], 'content type text/plain, not read as JSON'],
    [
      'a broken body',
      byBody,
      withBody('{', 'application/json'),
      [],
      expect.stringMatching(/^the body cannot be read: /) as unknown as string,
    ],
  ])('%s', (_what, definition, given, clients, reason) => {
    expect(explainMatch(definition, given)).toEqual({ clients, reason })
  })

  test.each(['float', 'double'] as const)('a header of the type %s, which may be rounded', (type) => {
    const headers = { to: 7 }
    setWireType(headers, 'to', type)
    expect(explainMatch(byHeader, message({ properties: { headers } })).reason).toBe(
      'the header "to" is a floating-point number, which may be rounded',
    )
  })

  test('a number of any size', () => {
    const headers = parseJson('{"to":1.00}') as Record<string, unknown>
    expect(explainMatch(byHeader, message({ properties: { headers } })).clients).toEqual([])
    expect(explainMatch(byBody, withBody('{"to":12345678901234567890}')).clients).toEqual(['12345678901234567890'])
  })
})
