import { createRequire } from 'node:module'
import { expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { FieldReader } from '../../../src/brokers/rabbitmq/message/field-decoder.ts'
import { toAmqp } from '../../../src/brokers/rabbitmq/message/properties.ts'
import { pick, runs } from '../../support/property.ts'

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

const names = ['a', 'b', '__proto__', 'value', 'ü']
const { table } = fc.letrec<{ value: unknown; table: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    { weight: 2, arbitrary: pick<unknown>(true, false, null, '', 'Grüße', Buffer.from([0, 255])) },
    {
      weight: 6,
      arbitrary: fc.oneof(
        ...Object.entries(edges).map(([type, values]) => fc.record({ '!': fc.constant(type), value: pick(...values) })),
      ),
    },
    { weight: 1, arbitrary: fc.array(tie('value'), { minLength: 3, maxLength: 3 }) },
    { weight: 1, arbitrary: tie('table') },
  ),
  // `fc.record` would set the prototype.
  table: fc
    .array(tie('value'), { minLength: names.length, maxLength: names.length })
    .map((values) => Object.fromEntries(names.map((name, index) => [name, values[index]]))),
}))

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
  const check = fc.property(table, (headers) => {
    const bytes = written(headers)
    if (!again(bytes).equals(bytes)) expect(again(bytes).toString('hex')).toBe(bytes.toString('hex'))
  })
  fc.assert(check, runs(600))
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
