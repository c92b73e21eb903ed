import { expect, test } from '@jest/globals'
import { moveOne } from '../../../../src/brokers/rabbitmq/buffer/buffer-mover.ts'
import type { Delivery } from '../../../../src/brokers/rabbitmq/message/delivery-reader.ts'
import { asShortString } from '../../../../src/brokers/rabbitmq/message/field-decoder.ts'
import { checkProperties } from '../../../../src/brokers/rabbitmq/publish/publishable.ts'
import { checkShortString } from '../../../../src/core/model/short-string.ts'
import { frame, number, readFrames } from './broker-frames.ts'

/** A short string of bytes that are not UTF-8: as text it has three times as many bytes. */
const hostile = Buffer.alloc(201, 0xff)
hostile[0] = 200

/** `basic.deliver` and the header of an empty message, with hostile bytes wherever they fit. */
function hostileMessage(): Buffer {
  const consumer = Buffer.from('\x01c')
  const deliver = [number(0x003c003c, 4), consumer, number(1, 8), Buffer.from([0]), Buffer.from('\x01e'), hostile]
  const headers = Buffer.concat([hostile, Buffer.from('t\x01')])
  const header = Buffer.concat([
    number(0x003c0000, 4),
    number(0, 8),
    // All properties but the delivery mode, the priority and the time stamp.
    Buffer.from([0b1110_0111, 0b1011_1000]),
    hostile,
    hostile,
    number(headers.length, 4),
    headers,
    ...Array.from({ length: 7 }, () => hostile),
  ])
  return Buffer.concat([frame(1, Buffer.concat(deliver)), frame(2, header)])
}

function read(bytes: Buffer): Delivery {
  const { deliveries, error } = readFrames([bytes])
  const [first] = deliveries
  if (error || !first) throw error ?? new Error('expected a delivery')
  return first
}

test('what was read can be sent again, whatever bytes its publisher sent', () => {
  const { routingKey, properties } = read(hostileMessage())
  const cut = '\ufffd'.repeat(85)
  expect([routingKey, Object.keys(properties.headers ?? {}), properties.messageId]).toEqual([cut, [cut], cut])
  expect(() => checkProperties({ ...properties, expiration: '1' })).not.toThrow()
})

test('such a message does not hold up the queue of a buffered source', async () => {
  const moved: string[] = []
  await moveOne(read(hostileMessage()), {
    namespace: 'warren',
    exchange: 'orders',
    queue: 'q',
    log: () => {},
    onRefused: () => {},
    publish: async ({ exchange, routingKey, properties }) => {
      checkShortString('routingKey', routingKey ?? '')
      checkProperties(properties)
      moved.push(exchange ?? '')
    },
  })
  expect(moved).toEqual(['warren.buffered'])
})

test.each([
  ['as it is', 'ü'.repeat(120), 'ü'.repeat(120)],
  ['as it is up to 255 bytes', '\ufffd'.repeat(85), '\ufffd'.repeat(85)],
  ['cut at 255 bytes', '\ufffd'.repeat(86), '\ufffd'.repeat(85)],
  ['cut before a character that would not fit', `a${'\ufffd'.repeat(85)}`, `a${'\ufffd'.repeat(84)}`],
])('a text stays %s', (_what, text, expected) => {
  expect(asShortString(text)).toBe(expected)
})
