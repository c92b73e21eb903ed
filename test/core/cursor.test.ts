import { expect, test } from '@jest/globals'
import { cursorBefore, cursorOf, fingerprintOf, parseCursor, printCursor } from '../../src/core/cursor.ts'
import type { JournalMessage } from '../../src/core/message.ts'

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

test('a printed cursor is read back whole', () => {
  for (const cursor of [cursorOf(epoch, message), cursorBefore(epoch, message)]) {
    expect(parseCursor(printCursor(cursor))).toEqual(cursor)
  }
  expect(printCursor(cursorOf(epoch, message))).not.toBe(printCursor(cursorBefore(epoch, message)))
})

test('whatever was not printed here is none: each changed character, garbage, nothing', () => {
  const text = printCursor(cursorOf(epoch, message))
  for (let index = 0; index < text.length; index += 1) {
    const changed = `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`
    expect(parseCursor(changed)).toBeUndefined()
  }
  for (const garbage of ['', 'x', `${text}A`, text.slice(1), '🐇', `${text}=`])
    expect(parseCursor(garbage)).toBeUndefined()
})

test('a fingerprint tells messages apart by body, routing key, exchange and message id', () => {
  const others = [
    { ...message, body: Buffer.from('{"a":2}') },
    { ...message, routingKey: 'client.bob' },
    { ...message, exchange: 'other' },
    { ...message, properties: { messageId: 'm2' } },
  ]
  expect(new Set([message, ...others].map(fingerprintOf)).size).toBe(5)
  expect(fingerprintOf({ ...message, offset: 0, receivedAt: 99 })).toBe(fingerprintOf(message))
})
