import { gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import type { Decodable } from '../../../src/core/body/decode-body.ts'
import { UndecodableBody } from '../../../src/core/body/decode-body.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { BinaryDecoders } from '../../../src/events/values/binary-body.ts'
import { MessageInput } from '../../../src/events/values/message-input.ts'

function inputOf(body: Buffer | string, properties: MessageProperties, decoders: BinaryDecoders = {}): MessageInput {
  const message: Decodable = {
    exchange: 'e',
    routingKey: 'k',
    body: Buffer.from(body),
    properties,
    redelivered: false,
    receivedAt: 1,
  }
  return new MessageInput(message, () => 'cursor', decoders)
}

describe('a JSON body', () => {
  test.each([
    ['application/json', '{"a":1.0}', '{"a":1.0}'],
    ['application/vnd.shop+json', '7', '7'],
    [undefined, '{"a":9007199254740993}', '{"a":9007199254740993}'],
    [undefined, 'no JSON', undefined],
    ['text/plain', '7', undefined],
    ['application/octet-stream', '7', undefined],
    ['application/json', '', 'null'],
  ])('of the content type %s: %s', (contentType, text, expected) => {
    expect(printJson(inputOf(text, contentType === undefined ? {} : { contentType }).body())).toBe(expected)
  })

  test('that does not parse throws', () => {
    expect(() => inputOf('{', { contentType: 'application/json' }).body()).toThrow(UndecodableBody)
  })
})

describe('a binary body', () => {
  /** Stands for a library: the body is ignored. */
  const decoding = (value: unknown): BinaryDecoders => ({ msgpack: () => value, cbor: () => value })
  const bodyOf = (value: unknown) => inputOf('x', { contentType: 'application/msgpack' }, decoding(value)).body()

  test.each([
    'application/msgpack',
    'application/x-msgpack',
    'application/vnd.msgpack',
    'application/cbor',
    'Application/CBOR; a=b',
  ])('of the content type %s is decoded', (contentType) => {
    expect(inputOf('x', { contentType }, decoding(7)).body()).toBe(7)
    expect(inputOf('x', { contentType }).body()).toBeUndefined()
  })

  test('is read to values of JSON', () => {
    const decoded = {
      exact: 9007199254740993n,
      small: 7n,
      large: 1e300,
      fraction: 0.5,
      minusZero: -0,
      none: Number.NaN,
      binary: Uint8Array.from([1, 2, 255]),
      at: new Date(0),
      never: new Date(Number.NaN),
      missing: undefined,
      map: new Map<unknown, unknown>([
        [1, 'a'],
        ['__proto__', [null, true]],
      ]),
    }
    expect(printJson(bodyOf(decoded))).toBe(
      '{"exact":9007199254740993,"small":7,"large":1e+300,"fraction":0.5,"minusZero":-0,"none":null,' +
        '"binary":"AQL/","at":"1970-01-01T00:00:00.000Z","never":null,"missing":null,' +
        '"map":{"1":"a","__proto__":[null,true]}}',
    )
  })

  test('is decompressed first, and decoded once', () => {
    const seen: string[] = []
    const msgpack = (bytes: Uint8Array) => {
      seen.push(Buffer.from(bytes).toString())
      return {}
    }
    const input = inputOf(
      gzipSync('bytes'),
      { contentType: 'application/msgpack', contentEncoding: 'gzip' },
      { msgpack },
    )
    expect(input.body()).toBe(input.body())
    expect(seen).toEqual(['bytes'])
  })

  test('without bytes is null', () => {
    expect(inputOf('', { contentType: 'application/cbor' }, decoding(7)).body()).toBeNull()
  })

  test.each<[string, () => unknown, string]>([
    [
      'does not decode',
      () => {
        throw new Error('no')
      },
      'broken-encoding',
    ],
    ['has a key that is an object', () => new Map([[{}, 1]]), 'broken-encoding'],
    ['nests too deep', () => nested(1_001), 'too-deep'],
    ['nests too deep for its decoder', () => overflow(), 'too-deep'],
  ])('that %s throws', (_what, msgpack, reason) => {
    const input = inputOf('x', { contentType: 'application/msgpack' }, { msgpack })
    expect(() => input.body()).toThrow(expect.objectContaining({ name: 'UndecodableBody', reason }))
  })

  test('may nest 1,000 levels', () => {
    expect(bodyOf(nested(1_000))).toBeDefined()
  })
})

function nested(levels: number): unknown {
  let value: unknown = 7
  for (let level = 0; level < levels; level += 1) value = level % 2 === 0 ? [value] : new Map([['a', value]])
  return value
}

function overflow(): unknown {
  return [overflow()]
}
