import { createRequire } from 'node:module'
import { expect, test } from '@jest/globals'
import { FieldReader } from '../../../src/brokers/rabbitmq/message/field-decoder.ts'
import { toAmqp } from '../../../src/brokers/rabbitmq/message/properties.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { repetitions } from '../../support/repetitions.ts'

const edges: Readonly<Record<string, readonly unknown[]>> = {
  int8: [-128, 0, 127],
  uint8: [0, 5, 255],
  int16: [-32_768, -5, 300],
  uint16: [0, 65_535],
  int32: [-(2 ** 31), 5, 70_000],
  uint32: [0, 2 ** 32 - 1],
  int64: [5, -5, 2 ** 40, 9007199254740993n, -(2n ** 63n), 2n ** 63n - 1n],
  float: [0, 0.25, 5, Number.NaN, Number.POSITIVE_INFINITY],
  double: [0, -0, 5, 1.5, 2 ** 51 + 0.5, 2 ** 63, Number.NaN, Number.NEGATIVE_INFINITY],
  timestamp: [0, 1_700_000_000, 1_700_000_000_000_000, 2n ** 63n, 2n ** 64n - 1n],
  decimal: [
    { places: 0, digits: 0 },
    { places: 2, digits: 314 },
    { places: 255, digits: 2 ** 32 - 1 },
  ],
}

function anyValue(random: Seeded, depth = 0): unknown {
  const dice = random.next()
  if (depth < 3 && dice < 0.1) return Array.from({ length: 3 }, () => anyValue(random, depth + 1))
  if (depth < 3 && dice < 0.2) return anyTable(random, depth + 1)
  if (dice < 0.4) return random.pick([true, false, null, '', 'Grüße', Buffer.from([0, 255])])
  const type = random.pick(Object.keys(edges))
  return { '!': type, value: random.pick(edges[type] ?? []) }
}

function anyTable(random: Seeded, depth = 0): Record<string, unknown> {
  return Object.fromEntries(['a', 'b', '__proto__', 'value', 'ü'].map((name) => [name, anyValue(random, depth)]))
}

/** The encoder of amqplib, from a folder that its package does not export. */
const { encodeTable } = createRequire(import.meta.url)('../../../node_modules/amqplib/lib/codec.js') as {
  encodeTable: (buffer: Buffer, table: object, offset: number) => number
}

/** The encoded table without its length. */
function written(table: object): Buffer {
  const buffer = Buffer.alloc(64 * 1024)
  return buffer.subarray(4, encodeTable(buffer, table, 0))
}

function read(bytes: Buffer): Record<string, unknown> {
  const fields = new FieldReader()
  fields.begin(bytes)
  const table: Record<string, unknown> = {}
  while (fields.at < bytes.length) fields.entry(table)
  return table
}

const again = (bytes: Buffer): Buffer => written(toAmqp({ headers: read(bytes) }).headers as object)

test('headers that are published again are the same bytes: every type and every digit', () => {
  for (const [type, values] of Object.entries(edges)) {
    for (const value of values) {
      const bytes = written({ value: { '!': type, value }, list: [{ '!': type, value }] })
      expect([type, value, again(bytes).toString('hex')]).toEqual([type, value, bytes.toString('hex')])
    }
  }
  const random = new Seeded(3)
  for (let round = 0; round < repetitions(600, 2_000); round += 1) {
    const bytes = written(anyTable(random))
    if (!again(bytes).equals(bytes)) expect(again(bytes).toString('hex')).toBe(bytes.toString('hex'))
  }
})

test('a table with member names that amqplib treats as a type stays a table', () => {
  const trap = { '!': 'timestamp', value: 'x', in: [{ '!': 'int64' }] }
  // amqplib encodes inherited members like own ones.
  const bytes = written(
    Object.create({ '!': 'bogus', trap: Object.create({ ...trap, in: [Object.create(trap.in[0] ?? {})] }) }),
  )
  expect(read(bytes)).toEqual({ '!': 'bogus', trap })
  expect(again(bytes).toString('hex')).toBe(bytes.toString('hex'))
})

test.each([1_700_000_000n, 1_700_000_000_000_000n, 2n ** 63n])('a timestamp of %s is unchanged', (seconds) => {
  const timestamp = Number(seconds) * 1000
  const unixSeconds = Number.isSafeInteger(timestamp) ? undefined : seconds
  expect(toAmqp({ timestamp, unixSeconds }).timestamp).toBe(Number(seconds))
})

test('lists that nest too deep for a stack are read up to a depth, and what follows them too', () => {
  const depth = 50_000
  const nested = Buffer.alloc(depth * 5)
  for (let level = 0; level < depth; level += 1) {
    nested.write('A', level * 5, 'latin1')
    nested.writeUInt32BE((depth - level - 1) * 5, level * 5 + 1)
  }
  const fields = new FieldReader()
  fields.begin(Buffer.concat([Buffer.from('\x04deep'), nested, Buffer.from('\x04nextt\x01', 'latin1')]))
  const table: Record<string, unknown> = {}
  fields.entry(table)
  fields.entry(table)
  expect(table['next']).toBe(true)
  expect(fields.at).toBe(fields.bytes.length)
})

test('text that is not UTF-8 is bytes', () => {
  const fields = new FieldReader()
  fields.begin(
    Buffer.concat([Buffer.from('\x01aS\0\0\0\x02'), Buffer.from([0xfc, 0x41]), Buffer.from('\x01bS\0\0\0\x03\ufffd')]),
  )
  const table: Record<string, unknown> = {}
  fields.entry(table)
  fields.entry(table)
  expect(table).toEqual({ a: Buffer.from([0xfc, 0x41]), b: '\ufffd' })
})
