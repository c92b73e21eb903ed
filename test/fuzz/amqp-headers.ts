import { deepStrictEqual } from 'node:assert/strict'
import { createRequire } from 'node:module'
import { FieldReader } from '../../src/brokers/rabbitmq/message/field-decoder.ts'
import { toAmqpTable } from '../../src/brokers/rabbitmq/message/field-table.ts'

/** amqplib does not export it. */
const { encodeTable } = createRequire(import.meta.url)('../../node_modules/amqplib/lib/codec.js') as {
  encodeTable: (this: void, buffer: Buffer, table: object, offset: number) => number
}
const encoded = Buffer.alloc(1024 * 1024)

/** Headers that were read and are written again have the same types and digits. */
export function fuzz(data: Buffer): void {
  const table = read(data)
  if (!table) return
  const end = encodeTable(encoded, toAmqpTable(table), 0)
  const again = read(encoded.subarray(4, end))
  deepStrictEqual(again, table)
}

/** Undefined: the bytes are not the entries of a table. */
function read(bytes: Buffer): Record<string, unknown> | undefined {
  const fields = new FieldReader()
  fields.begin(bytes)
  const table: Record<string, unknown> = {}
  try {
    while (fields.at < bytes.length) fields.entry(table)
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return undefined
    throw error
  }
  return table
}
