import { expect, test } from '@jest/globals'
import { setWireType, wireTypeOf } from '../../../src/core/body/amqp-field-types.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import { copiesOf } from '../../../src/core/quarantine/quarantine-copy.ts'

const receivedAt = Date.UTC(2026, 0, 1)
const envelope = {
  'x-warren-reason': 'too-deep',
  'x-warren-exchange': 'orders',
  'x-warren-routing-key': 'k',
  'x-warren-received-at': '2026-01-01T00:00:00.000Z',
}

function copies(properties: MessageProperties, body = Buffer.from('body'), offset?: number) {
  const message = { exchange: 'orders', routingKey: 'k', body, properties, receivedAt }
  return [...copiesOf(offset === undefined ? message : { ...message, offset }, 'too-deep')]
}

test('the first copy is the whole message, with the reason, and without what could keep it out', () => {
  const headers = { a: 1, 'x-warren-reason': 'forged' }
  setWireType(headers, 'a', 'uint8')
  const properties = { contentType: 'x', priority: 3, timestamp: 5_000, userId: 'bob', expiration: '10', headers }
  const [whole, summary, beginning, ...rest] = copies(properties, Buffer.from('body'), 7)
  const all = { ...envelope, a: 1, 'x-warren-offset': 7, 'x-warren-user-id': 'bob', 'x-warren-expiration': '10' }
  expect(whole).toEqual({
    routingKey: 'k',
    body: Buffer.from('body'),
    properties: { contentType: 'x', priority: 3, timestamp: 5_000, headers: all },
  })
  expect(wireTypeOf(whole?.properties.headers ?? {}, 'a')).toBe('uint8')
  expect(summary).toEqual({
    routingKey: 'k',
    body: Buffer.from('body'),
    properties: { contentType: 'x', headers: { ...all, 'x-warren-left-out': 'timestamp 5 s' } },
  })
  expect(beginning?.properties.headers?.['x-warren-left-out']).toBe('body behind its first 4 of 4 bytes, timestamp 5 s')
  expect([rest, headers]).toEqual([[], { a: 1, 'x-warren-reason': 'forged' }])
})

test('a message of a queue has no offset', () => {
  expect(copies({})[0]?.properties.headers).toEqual(envelope)
})

test('a time stamp that a double rounds is kept as text', () => {
  const seconds = 2n ** 60n + 1n
  const lost = copies({ timestamp: Number(seconds) * 1_000, unixSeconds: seconds })[0]?.properties.headers
  expect(lost).toEqual({ ...envelope, 'x-warren-timestamp': String(seconds) })
  expect(copies({ timestamp: 1, unixSeconds: 2n ** 60n })[0]?.properties.headers).toEqual(envelope)
})

test('headers above 48 KiB are summarized from the first copy on', () => {
  const limit = 48 * 1024
  // A table of one entry: 5 bytes, the name with its length, and a long string with 5 bytes more.
  const ofSize = (bytes: number) => ({ long: 'ü'.repeat((bytes - 5 - 5 - 5 - 1) / 2) + 'x' })
  expect([copies({ headers: ofSize(limit) }).length, copies({ headers: ofSize(limit + 2) }).length]).toEqual([3, 2])
  const leftOut = copies({ headers: { a: 1, long: 'x'.repeat(limit) } })[0]?.properties.headers
  expect(leftOut).toEqual({ ...envelope, a: 1, 'x-warren-left-out': `header "long" (${limit + 5} bytes)` })
})

test('a summary keeps short and plain headers, up to 1,024 bytes', () => {
  const fits = { text: 't'.repeat(247), yes: true, no: false, whole: -7 }
  const headers = {
    ...fits,
    table: { a: [1] },
    none: null,
    half: 0.5,
    bytes: Buffer.from('abc'),
    large: 2 ** 60,
    long: 't'.repeat(248),
  }
  const summary = copies({ headers })[1]?.properties.headers
  expect(summary).toEqual({
    ...envelope,
    ...fits,
    'x-warren-left-out':
      'header "table" (23 bytes), header "none" (9 bytes), header "half" (9 bytes), header "bytes" (8 bytes), header "large" (9 bytes), header "long" (253 bytes)',
  })
  expect(Object.getPrototypeOf(summary)).toBe(Object.prototype)

  const four = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'x'.repeat(250)]))
  const kept = Object.keys(copies({ headers: { ...four, small: 1 } })[1]?.properties.headers ?? {})
  expect(kept.filter((name) => !name.startsWith('x-warren'))).toEqual(['a', 'b', 'c', 'd'])
  const exact = { a: 'x'.repeat(250), b: 'x'.repeat(250), c: 'x'.repeat(250), d: 'x'.repeat(250) }
  expect(Object.keys(copies({ headers: exact })[1]?.properties.headers ?? {})).toContain('d')
})

test('the note of what is missing has 512 bytes at most, and no half characters', () => {
  const headers = Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`ü${number}`, null]))
  const note = String(copies({ headers })[1]?.properties.headers?.['x-warren-left-out'])
  expect(note).toMatch(/^header "ü0" \(9 bytes\), .*…$/)
  expect([Buffer.byteLength(note) <= 512 + 3, Buffer.byteLength(note) > 500, note.includes('\ufffd')]).toEqual([
    true,
    true,
    false,
  ])
})

test('the last copy has the first 64 KiB of the body', () => {
  const body = Buffer.alloc(70_000, 1)
  const last = copies({ headers: { none: null } }, body).at(-1)
  expect(last?.body).toEqual(body.subarray(0, 65_536))
  expect(last?.properties.headers?.['x-warren-left-out']).toBe(
    'body behind its first 65536 of 70000 bytes, header "none" (9 bytes)',
  )
})
