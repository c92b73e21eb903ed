import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from '@jest/globals'
import { decodeBody, UndecodableBody } from '../../src/core/body.ts'
import type { MessageProperties } from '../../src/core/message.ts'
import { printJson } from '../../src/core/print-json.ts'

function decode(body: Buffer | string, properties: MessageProperties = {}) {
  const message = { exchange: 'e', routingKey: 'k', body: Buffer.from(body as string), properties }
  const decoded = decodeBody({ ...message, redelivered: false, receivedAt: 0 })
  const { data, contentType, json } = decoded
  expect(Buffer.from(json, 'latin1').toString()).toBe(printJson(data))
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

  test('JSON without a content type where it parses, else base64 that says so', () => {
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
  ] as const)('unpacked where content-encoding is %s', (contentEncoding, compress) => {
    expect(decode(compress('{"a":1}'), { contentType: 'application/json', contentEncoding }).data).toEqual({ a: 1 })
  })

  test('deep nesting and a mebibyte', () => {
    const deep = `${'['.repeat(1_000)}${']'.repeat(1_000)}`
    expect(JSON.stringify(decode(deep, { contentType: 'application/json' }).data)).toBe(deep)
    const large = JSON.stringify({ text: 'x'.repeat(1024 * 1024) })
    expect(JSON.stringify(decode(large).data)).toBe(large)
  })
})

describe('poison is told apart by its reason', () => {
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
    ['too-large', gzipSync(Buffer.alloc(65 * 1024 * 1024)), { contentEncoding: 'gzip' }],
  ])('%s', (reason, body, properties) => {
    expect(reasonOf(() => decode(body, properties))).toBe(reason)
  })

  test('a character set in the place of an encoding says nothing about the bytes', () => {
    expect(decode('{}', { contentType: 'application/json', contentEncoding: 'utf-8' }).data).toEqual({})
  })
})
