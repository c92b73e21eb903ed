import * as zlib from 'node:zlib'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { decodeBody, jsonBody, UndecodableBody } from '../../../src/core/body/decode-body.ts'
import { printJson } from '../../../src/core/json/print-json.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'

/** The outcome is the same if the JSON of the message is needed first. */
function decode(body: Buffer | string, properties: MessageProperties = {}) {
  const message = {
    exchange: 'e',
    routingKey: 'k',
    body: Buffer.from(body as string),
    properties,
    redelivered: false,
    receivedAt: 0,
  }
  const parsed = { ...message }
  const [one, other] = [() => decodeBody({ ...message }), () => jsonBody(parsed)]
  expect(reasonOf(other)).toBe(reasonOf(one))
  const { data, contentType, json } = one()
  expect(Buffer.from(json, 'latin1').toString()).toBe(printJson(data))
  const again = decodeBody(parsed)
  expect([again.data, again.contentType, again.json]).toEqual([data, contentType, json])
  return { data, contentType }
}

function reasonOf(act: () => unknown): string | undefined {
  try {
    act()
  } catch (error) {
    if (error instanceof UndecodableBody) return error.reason
    throw error
  }
  return undefined
}

describe('a body becomes data', () => {
  test('JSON by its content type, with parameters and a byte order mark', () => {
    expect(decode('{"a":[1,"ü"]}', { contentType: 'application/json' }).data).toEqual({ a: [1, 'ü'] })
    expect(decode('\ufeff[1]', { contentType: 'Application/JSON; charset=utf-8' }).data).toEqual([1])
    expect(decode('', { contentType: 'application/json' }).data).toBeNull()
  })

  test('JSON without a content type if it parses, else base64 marked as such', () => {
    expect(decode('{"a":1}')).toEqual({ data: { a: 1 }, contentType: null })
    expect(decode('hello')).toEqual({ data: 'aGVsbG8=', contentType: 'application/octet-stream' })
    expect(decode('')).toEqual({ data: null, contentType: null })
  })

  test('text of any kind as a string, in its own character set', () => {
    expect(decode('{"a":1}', { contentType: 'text/plain' })).toEqual({ data: '{"a":1}', contentType: 'text/plain' })
    expect(decode(Buffer.from([0xfc]), { contentType: 'text/plain; charset=latin1' }).data).toBe('ü')
    expect(decode('', { contentType: 'text/csv' }).data).toBe('')
  })

  test('anything else as base64', () => {
    expect(decode(Buffer.from([0, 255]), { contentType: 'image/png' })).toEqual({
      data: 'AP8=',
      contentType: 'image/png',
    })
    expect(decode('{}', { contentType: 'application/jsonp' }).data).toBe('e30=')
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('decompressed if content-encoding is %s', (contentEncoding, compress) => {
    expect(decode(compress('{"a":1}'), { contentType: 'application/json', contentEncoding }).data).toEqual({ a: 1 })
  })

  test('deep nesting and a mebibyte', () => {
    const deep = `${'['.repeat(1_000)}${']'.repeat(1_000)}`
    expect(JSON.stringify(decode(deep, { contentType: 'application/json' }).data)).toBe(deep)
    const large = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
    expect(JSON.stringify(decode(large).data)).toBe(large)
  })
})

describe('poison has a reason', () => {
  const member = gzipSync(Buffer.alloc(1024 * 1024))
  test.each([
    ['broken-json', '{"a":', { contentType: 'application/json' }],
    ['broken-json', Buffer.from([0x22, 0xff, 0x22]), { contentType: 'application/json' }],
    ['broken-encoding', 'no gzip', { contentEncoding: 'gzip' }],
    ['unknown-encoding', 'x', { contentEncoding: 'snappy' }],
    [
      'too-deep',
      `{"brackets in text count for nothing":"${'['.repeat(3_000)}","a":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
      { contentType: 'application/json' },
    ],
    // 65 MiB, of members of 1 MiB each, because compressing it as one takes longer than reading it.
    ['too-large', Buffer.alloc(65 * member.length, member), { contentEncoding: 'gzip' }],
  ])('%s', (reason, body, properties) => {
    expect(reasonOf(() => decode(body, properties))).toBe(reason)
  })

  test('above the limit of the gateway, which the error names', () => {
    const body = gzipSync(Buffer.alloc(5_000))
    const message = { exchange: '', routingKey: '', body, properties: { contentEncoding: 'gzip' } }
    const judge = () => decodeBody({ ...message, redelivered: false, receivedAt: 0 }, 4_999)
    expect(judge).toThrow('the body grows past 4999 bytes (WARREN_MAX_DECODED_BYTES)')
    expect(reasonOf(judge)).toBe('too-large')
  })

  test.each(['gzip, gzip, gzip, gzip, gzip', 'gzip;snappy', 'utf-99', 'base64', '\u0000'])(
    'the content encoding %j is unknown',
    (contentEncoding) => {
      expect(reasonOf(() => decode(gzipSync('{}'), { contentEncoding }))).toBe('unknown-encoding')
    },
  )
})

describe('content types, encodings and character sets that publishers in the field write', () => {
  test.each([
    'application/cloudevents+json',
    'application/vnd.masstransit+json',
    'application/problem+json; charset=utf-8',
    'Application/Ld+JSON',
    'text/json',
    ' text/json ;charset="utf-8"',
    'image/x.y+json',
  ])('%s is JSON, also for a body pointer', (contentType) => {
    expect(decode('{"a":1}', { contentType }).data).toEqual({ a: 1 })
    const message = { exchange: '', routingKey: '', body: Buffer.from('{"a":1}'), properties: { contentType } }
    expect(jsonBody({ ...message, redelivered: false, receivedAt: 0 })).toEqual({ a: 1 })
    expect(reasonOf(() => decode('{', { contentType }))).toBe('broken-json')
  })

  test.each(['application/json-seq', 'application/x-ndjson', 'text/plain', 'application/json+xml'])(
    '%s is not JSON',
    (contentType) => {
      expect(typeof decode('{"a":1}', { contentType }).data).toBe('string')
    },
  )

  test.each([
    'utf-8',
    'UTF-8',
    'utf8',
    'iso-8859-1',
    'us-ascii',
    'ascii',
    '8bit',
    '7bit',
    'binary',
    'identity',
    'none',
  ])('the content encoding %s means no compression', (contentEncoding) => {
    expect(decode('{"a":1}', { contentType: 'application/json', contentEncoding }).data).toEqual({ a: 1 })
  })

  test.each([
    ['gzip, utf-8', gzipSync('{"a":1}')],
    ['gzip:UTF-8', gzipSync('{"a":1}')],
    ['utf-8; gzip', gzipSync('{"a":1}')],
    ['identity, gzip', gzipSync('{"a":1}')],
    ['"gzip"', gzipSync('{"a":1}')],
    ['gzip, br', brotliCompressSync(gzipSync('{"a":1}'))],
    ['br,gzip', gzipSync(brotliCompressSync('{"a":1}'))],
    ['deflate', deflateRawSync('{"a":1}')],
    ['Deflate, charset=utf-8', deflateSync('{"a":1}')],
  ])('the content encoding %s is decompressed', (contentEncoding, body) => {
    expect(decode(body, { contentType: 'application/json', contentEncoding }).data).toEqual({ a: 1 })
  })

  const zstd = (zlib as { zstdCompressSync?: (text: string) => Buffer }).zstdCompressSync
  test('zstd is decompressed if Node.js supports it, and unknown if not', () => {
    const given = { contentType: 'application/json', contentEncoding: 'zstd' }
    if (zstd) expect(decode(zstd('{"a":1}'), given).data).toEqual({ a: 1 })
    else expect(reasonOf(() => decode('{"a":1}', given))).toBe('unknown-encoding')
  })

  const utf16le = Buffer.from('{"a":"ü"}', 'utf16le')
  const utf16be = Buffer.from(utf16le).swap16()
  const mark = Buffer.from([0xfe, 0xff])
  test.each([
    ['application/json; charset=utf-16le', undefined, utf16le],
    ['application/json; charset="UTF-16BE"', undefined, utf16be],
    ["application/json; charset = 'utf-16'", undefined, Buffer.concat([mark, utf16be])],
    ['application/json', undefined, Buffer.concat([mark, utf16be])],
    ['application/json', undefined, utf16le],
    ['application/json', 'utf-16be', utf16be],
    ['application/json; charset=iso-8859-1', undefined, Buffer.from('{"a":"ü"}', 'latin1')],
    ['application/json', 'iso-8859-1', Buffer.from('{"a":"ü"}', 'latin1')],
    ['application/json; charset=iso-8859-1', undefined, Buffer.from('{"a":"ü"}')],
    ['application/json; charset=no-such', undefined, Buffer.from('{"a":"ü"}')],
  ])('JSON labelled %s, encoding %s', (contentType, contentEncoding, body) => {
    const properties = { contentType, ...(contentEncoding === undefined ? {} : { contentEncoding }) }
    expect(decode(body, properties).data).toEqual({ a: 'ü' })
  })

  test.each([
    ['text/plain; charset=utf-16be', undefined, Buffer.from(Buffer.from('grüß', 'utf16le')).swap16()],
    ['text/plain; charset="windows-1252"', undefined, Buffer.from('grüß', 'latin1')],
    ['text/plain', 'iso-8859-1', Buffer.from('grüß', 'latin1')],
    ['text/plain', 'gzip; iso-8859-1', gzipSync(Buffer.from('grüß', 'latin1'))],
    ['Text/Plain; Charset=Shift_JIS', undefined, Buffer.from([0x8a, 0xbf])],
  ])('text labelled %s, encoding %s', (contentType, contentEncoding, body) => {
    const properties = { contentType, ...(contentEncoding === undefined ? {} : { contentEncoding }) }
    expect(decode(body, properties).data).toBe(contentType.includes('Shift') ? '漢' : 'grüß')
  })
})
