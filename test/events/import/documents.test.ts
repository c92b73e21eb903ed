import { describe, expect, test } from '@jest/globals'
import { importDocument } from '../../../src/events/import/import-document.ts'
import { draftOf, fieldsOf, imported } from './importing.ts'

function complaint(document: unknown): string {
  try {
    return importDocument(typeof document === 'string' ? document : JSON.stringify(document))
  } catch (error) {
    return String(error)
  }
}

describe('a document is a JSON Schema', () => {
  const properties = { a: { type: 'string' } }
  test.each<[what: string, document: object]>([
    ['with $schema', { $schema: '', properties }],
    ['that is a reference', { $ref: '#/$defs/A', $defs: { A: { properties } } }],
    ['that is a reference to another document', { $ref: 'a.json' }],
    ['with $defs', { $defs: {}, properties }],
    ['with definitions', { definitions: {}, properties }],
    ['of a type with properties', { type: 'object', properties }],
    ['of several types', { type: ['object', 'null'], properties }],
    ['of lists', { type: 'array', items: { type: 'object', properties } }],
    ['of a type with required members', { type: 'object', required: ['a'] }],
    ['of a type with values', { type: 'string', enum: ['a', 'b'] }],
    ['of a type with parts', { type: 'object', allOf: [{ properties }] }],
    ['of parts', { allOf: [{ properties }] }],
    ['of alternatives', { oneOf: [{ properties }] }],
    ['of other alternatives', { anyOf: [{ properties }] }],
  ])('%s', (_what, document) => {
    expect(draftOf(document)).toMatch(/^# A draft from the JSON Schema/)
  })
})

describe('a document is a message', () => {
  test.each<[what: string, document: object, line: string]>([
    ['with a type', { type: 'object', amount: 5 }, '  type: String! # in all 1, such as "object"\n'],
    ['with a type of its own', { type: 'order', items: [{ sku: 'a' }] }, '  items: [EventItem!]! '],
    ['with types, of which one is its own', { type: ['object', 'order'], required: true }, '  required: Boolean! '],
    ['with a type and alternatives', { type: 'order', oneOf: [{ a: 1 }] }, '  oneOf: [EventOneOf!]! '],
    ['with items', { items: [1] }, '  items: [Int!]! '],
    ['with parts that are no list', { allOf: 1 }, '  allOf: Int! '],
    ['with definitions and a type', { type: 'x', definitions: { a: 1 } }, '  type: String! '],
    ['with definitions that are a list', { definitions: [1] }, '  definitions: [Int!]! '],
    ['with $defs that are no object', { $defs: 1 }, '  defs: Int! '],
    ['with a schema that is no text', { $schema: 1 }, '  schema: Int! '],
    ['with a reference that is no text', { $ref: 1 }, '  ref: Int! '],
  ])('%s', (_what, document, line) => {
    expect(imported(document)).toContain(line)
  })

  test('or several, as array or lines, of which some are no objects', () => {
    const sdl = imported([{ a: 1 }, 7, { a: 2 }])
    expect(sdl).toContain('exchange: "events"')
    for (const lines of ['{"a":1}\n7\n{"a":2}', '\uFEFF{"a":1}\r\n\r\n  \n7\r\n{"a":2}\r\n'])
      expect(imported(lines)).toBe(sdl)
    expect(imported('a: 1\nb: x\n')).toBe(imported({ a: 1, b: 'x' }))
    expect(imported('{"a": "\uFEFF"}')).toContain('such as "\\ufeff"')
  })

  test('with the names that the caller gives', () => {
    expect(fieldsOf({ a: 1 }, { exchange: 'orders', field: 'placed', examples: false })).toEqual([
      '  placed: Order @events(exchange: "orders")',
    ])
    expect(imported({ a: 1 }, { examples: false })).not.toContain('such as')
  })
})

describe('refuses', () => {
  const expected = 'ImportRefused: expected an AsyncAPI document, a JSON Schema or messages as JSON, got'
  test.each<[what: string, document: unknown, complaint: string]>([
    ['nothing', '', `${expected} an empty document`],
    ['white space', ' \n\t\n', `${expected} an empty document`],
    ['null', 'null', `${expected} an empty document`],
    ['a text', 'hello', `${expected} a document without objects`],
    ['lines of text', 'hello\nworld', `${expected} a document without objects`],
    ['numbers', '1\n2\n', `${expected} a document without objects`],
    ['an empty list', [], `${expected} a document without objects`],
    ['null in a list', [null, 'a'], `${expected} a document without objects`],
    ['OpenAPI', { openapi: '3.1.0' }, `${expected} an OpenAPI document`],
    ['Swagger', { swagger: '2.0' }, `${expected} an OpenAPI document`],
    ['a broken object', ' {"a": ', 'ImportRefused: the document is not JSON: '],
    ['a broken list', '[1\n2', 'ImportRefused: the document is not JSON: '],
    ['lists as lines', '[1]\n[2\n', 'ImportRefused: the document is not JSON: '],
    ['a broken line', '{"a":1}\n\n{"a":\n{"a":2}\n', 'ImportRefused: line 3 is not JSON: Unexpected end of JSON input'],
    ['broken YAML', 'a: [b', 'ImportRefused: the document is neither JSON nor YAML: Flow sequence'],
    ['two documents of YAML', 'a: 1\n---\nb: 1', 'ImportRefused: the document is neither JSON nor YAML: '],
    [
      'aliases that multiply',
      aliases(9),
      'ImportRefused: the document is neither JSON nor YAML: Excessive alias count',
    ],
  ])('%s', (_what, document, start) => {
    expect(complaint(document).slice(0, start.length)).toBe(start)
  })
})

/** Ten times ten and so on, of which each line names the one before. */
function aliases(lines: number): string {
  const list = (index: number) => `a${index}: &a${index} [${Array.from({ length: 10 }, () => `*a${index - 1}`).join()}]`
  return ['a0: &a0 [x]', ...Array.from({ length: lines }, (_, index) => list(index + 1))].join('\n')
}
