import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { DeploymentKeys } from '../../../src/core/clients/deployment-keys.ts'
import { MessageEvent } from '../../../src/core/model/channel-event.ts'
import {
  CursorCodec,
  cursorBefore,
  cursorOf,
  fingerprintOf,
  printCursor,
  printOldCursor,
} from '../../../src/core/model/cursor.ts'
import { SipHash } from '../../../src/core/model/hash/siphash.ts'
import type { JournalMessage } from '../../../src/core/model/message.ts'
import { testCursors, testKeys } from '../../support/gateway/deployment-keys.ts'

const epoch = '00112233aabbccdd'
const message: JournalMessage = {
  offset: 2 ** 40 + 7,
  mark: false,
  exchange: 'warren.events',
  routingKey: 'client.alice',
  body: Buffer.from('{"a":1}'),
  properties: { messageId: 'm1' },
  redelivered: false,
  receivedAt: 0,
}

test('reads a printed cursor back completely', () => {
  const offsets = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER]
  for (const offset of offsets) {
    for (const place of [cursorOf, cursorBefore]) {
      const cursor = place(testCursors, epoch, { ...message, offset })
      expect(testCursors.parse(printCursor(cursor))).toEqual(cursor)
    }
  }
  expect(printCursor(cursorOf(testCursors, epoch, message))).not.toBe(
    printCursor(cursorBefore(testCursors, epoch, message)),
  )
})

test('rejects what this deployment did not print: each changed character, garbage, nothing', () => {
  const text = printCursor(cursorOf(testCursors, epoch, message))
  for (let index = 0; index < text.length; index += 1) {
    const changed = `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`
    expect(testCursors.parse(changed)).toBeUndefined()
  }
  for (const garbage of ['', 'x', `${text}A`, text.slice(1), '🐇', `${text}=`, 'A'.repeat(text.length)])
    expect(testCursors.parse(garbage)).toBeUndefined()
})

test('a fingerprint is the CRC-32 of envelope and body in UTF-8, as cursors in the hands of clients have it', () => {
  const texts = [
    '',
    'client.a',
    'order-17',
    'x'.repeat(255),
    'Grüße',
    '世界',
    '\u{1f600}',
    '\ud800',
    '\x7f',
    '\x80',
    '\0',
  ]
  const timestamps = [undefined, 0, 1_700_000_000_000, -1, 1.5]
  const bodies = [Buffer.alloc(0), Buffer.from('{"a":1}'), Buffer.from([0, 255, 206])]
  const wrong: unknown[] = []
  let compared = 0
  for (const exchange of texts)
    for (const routingKey of texts)
      for (const messageId of [undefined, ...texts])
        for (const timestamp of timestamps)
          for (const body of bodies) {
            const envelope = `${exchange}\n${routingKey}\n${messageId ?? ''}\n${timestamp ?? ''}`
            const expected = crc32(Buffer.concat([Buffer.from(envelope), body]))
            const found = fingerprintOf({
              ...message,
              exchange,
              routingKey,
              body,
              properties: { messageId, timestamp },
            })
            if (found !== expected) wrong.push({ envelope, found, expected })
            compared += 1
          }
  expect(wrong).toEqual([])
  expect(compared).toBe(11 * 11 * 12 * 5 * 3)
})

test('a fingerprint distinguishes messages by body, routing key, exchange and message id', () => {
  const others = [
    { ...message, body: Buffer.from('{"a":2}') },
    { ...message, routingKey: 'client.bob' },
    { ...message, exchange: 'other' },
    { ...message, properties: { messageId: 'm2' } },
  ]
  expect(new Set([message, ...others].map(fingerprintOf)).size).toBe(5)
  expect(fingerprintOf({ ...message, offset: 0, receivedAt: 99 })).toBe(fingerprintOf(message))
})

/**
 * https://github.com/veorq/SipHash/blob/master/vectors.h, `vectors_sip64` at 0, 8 and 16 bytes; the
 * bytes of key and input count up from 0.
 */
test.each([
  [0, '310e0edd47db6f72'],
  [8, '6224939a79f5f593'],
  [16, 'db9bc2577fcc2a3f'],
])('SipHash-2-4 of %d bytes equals the vector of its authors', (bytes, expected) => {
  const counting = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, n) => n))
  const hash = new SipHash(counting(16))
  const input = counting(bytes)
  hash.hash(
    Int32Array.from({ length: bytes / 4 }, (_, n) => input.readInt32LE(4 * n)),
    bytes / 8,
  )
  const printed = Buffer.alloc(8)
  printed.writeInt32LE(hash.low, 0)
  printed.writeInt32LE(hash.high, 4)
  expect(printed.toString('hex')).toBe(expected)
})

describe('cursors of the last release', () => {
  const createdAt = new Date(1_000_000)
  const cursor = cursorOf(testCursors, epoch, message)
  const hour = 3_600_000
  const week = 7 * 24 * hour
  beforeEach(() => void jest.useFakeTimers({ now: createdAt }))
  afterEach(() => void jest.useRealTimers())

  test('are printed until all replicas can read new ones, and read', () => {
    const codec = new CursorCodec(testKeys({ createdAt, newCursorsFrom: new Date(createdAt.getTime() + hour) }), week)
    for (const before of [true, false]) {
      const old = { ...cursor, before, codec }
      expect(codec.print(old)).toBe(printOldCursor(old))
      expect(codec.parse(printOldCursor(old))).toEqual(old)
    }
    jest.setSystemTime(createdAt.getTime() + hour)
    const text = codec.print({ ...cursor, codec })
    expect([text === printOldCursor(cursor), codec.parse(text)]).toEqual([false, { ...cursor, codec }])
  })

  test.each([
    ['as long as the journal keeps messages', hour, hour],
    ['a week if only their size bounds them', Number.POSITIVE_INFINITY, week],
  ])('are accepted %s', (_how, retentionMs, acceptedMs) => {
    const codec = new CursorCodec(testKeys({ createdAt }), retentionMs)
    const old = printOldCursor(cursor)
    jest.setSystemTime(createdAt.getTime() + acceptedMs - 1)
    expect(codec.parse(old)).toMatchObject({ offset: message.offset })
    jest.setSystemTime(createdAt.getTime() + acceptedMs)
    expect(codec.parse(old)).toBeUndefined()
  })

  test('are refused if one character was changed', () => {
    const codec = new CursorCodec(testKeys({ createdAt }), week)
    const old = printOldCursor(cursor)
    for (let index = 0; index < old.length; index += 1)
      expect(
        codec.parse(`${old.slice(0, index)}${old[index] === 'A' ? 'B' : 'A'}${old.slice(index + 1)}`),
      ).toBeUndefined()
  })

  test('are not needed after a key was adopted: its own cursors are read, and those of keys before it', async () => {
    const keys = testKeys()
    const codec = new CursorCodec(keys, week)
    const first = codec.print({ ...cursor, codec })
    await keys.adopt({ secret: Buffer.alloc(32, 1), createdAt, newCursorsFrom: createdAt })
    const second = codec.print({ ...cursor, codec })
    expect([first === second, codec.parse(first)?.offset, codec.parse(second)?.offset]).toEqual([
      false,
      message.offset,
      message.offset,
    ])
    await keys.adopt({ secret: Buffer.alloc(32, 2), createdAt, newCursorsFrom: new Date(createdAt.getTime() + hour) })
    expect(codec.print({ ...cursor, codec })).toBe(printOldCursor(cursor))
  })

  test('and new ones need a key', () => {
    expect(() => new CursorCodec(new DeploymentKeys([]), week)).toThrow('the registry has no key')
  })
})

test('the position before a message is made from its event', () => {
  const event = new MessageEvent(testCursors, epoch, message)
  expect([event.cursorBefore, event.cursor]).toEqual([
    cursorBefore(testCursors, epoch, message),
    cursorOf(testCursors, epoch, message),
  ])
  expect(event.cursor).toBe(event.cursor)
})
