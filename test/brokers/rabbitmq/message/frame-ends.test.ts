import { expect, test } from '@jest/globals'
import { FieldReader } from '../../../../src/brokers/rabbitmq/message/field-decoder.ts'
import { frame, number, readFrames } from './broker-frames.ts'

const deliverBegins = [
  number(0x003c003c, 4),
  Buffer.from('\x01c'),
  number(1, 8),
  Buffer.from([0]),
  Buffer.from('\x01e'),
]
const header = frame(2, Buffer.concat([number(0x003c0000, 4), number(0, 8), Buffer.from([0, 0])]))
/** A header frame with all fields that the next frame could complete. */
const shortHeader = frame(2, Buffer.concat([number(0x003c0000, 4), number(0, 8), Buffer.from([0x80, 0, 40])]))
const deliver = (routingKey: string) => frame(1, Buffer.concat([...deliverBegins, Buffer.from(routingKey)]))

test.each([
  ['a routing key of basic.deliver', [deliver('\x28key'), header, header], 'expected 40 bytes more in a frame, got 3'],
  ['a property of a header', [deliver('\x03key'), shortHeader, header], 'expected 40 bytes more in a frame, got 0'],
  ['the number of a method', [frame(1, Buffer.from([0, 0x3c])), header], 'expected 4 bytes more in a frame, got 2'],
])('%s that is longer than its frame ends the connection, however TCP cuts the bytes', (_what, frames, text) => {
  const bytes = Buffer.concat(frames)
  const ways = [[bytes], frames, Array.from(bytes, (byte) => Buffer.from([byte]))]
  for (const pieces of ways) {
    const { deliveries, error } = readFrames(pieces)
    expect([deliveries, error?.message]).toEqual([[], text])
  }
})

test('amqplib gets what came before an invalid frame, in the same read', () => {
  const blocked = frame(1, Buffer.concat([number(0x000a003c, 4), Buffer.from('\x03low')]))
  const { passed, error } = readFrames([Buffer.concat([blocked, blocked, frame(1, Buffer.alloc(0))])])
  expect([passed, error?.message]).toEqual([
    Buffer.concat([blocked, blocked]),
    'expected 4 bytes more in a frame, got 0',
  ])
})

test('after bytes that are no frame, nothing is taken for a message', () => {
  const odd = Buffer.from('\x04 this is no frame')
  const frames = [deliver('\x03key'), header]
  for (const pieces of [[Buffer.concat([odd, ...frames])], [odd, ...frames]]) {
    const { deliveries, passed, error } = readFrames(pieces)
    expect([deliveries, error]).toEqual([[], undefined])
    expect(passed.includes(Buffer.concat(frames))).toBe(true)
  }
})

test('a frame that ends with its last field is read', () => {
  const { deliveries, error } = readFrames([Buffer.concat([deliver('\x03key'), header])])
  expect([error, deliveries.map(({ exchange, routingKey }) => [exchange, routingKey])]).toEqual([
    undefined,
    [['e', 'key']],
  ])
})

test('expected bytes behind the end of a frame do not count', () => {
  const fields = new FieldReader()
  fields.begin(Buffer.from('abc'), 0, 2)
  expect([fields.skips(Buffer.from('abc')), fields.at]).toEqual([false, 0])
  expect([fields.skips(Buffer.from('ab')), fields.at]).toEqual([true, 2])
})
