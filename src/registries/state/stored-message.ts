import { setWireType, type WireType, wireTypeOf } from '../../core/body/amqp-field-types.ts'
import type { JournalMessage, MessageProperties } from '../../core/model/message.ts'

/** What a column of text holds of a message: all but its body and its offset. */
type StoredEnvelope = readonly [
  exchange: string,
  routingKey: string,
  redelivered: 0 | 1,
  receivedAt: number,
  properties: StoredProperties,
]

type StoredProperties = Omit<MessageProperties, 'headers' | 'unixSeconds'> & {
  readonly unixSeconds?: string
  readonly headers?: readonly StoredHeader[]
}

/** JSON has no bytes and no large integers, so each value has its kind. */
type StoredHeader = readonly [name: string, kind: 'json' | 'bigint' | 'bytes', value: unknown, type?: WireType]

/** Prints the envelope of a message. `parseEnvelope` reads it, also in later releases. */
export function printEnvelope({
  exchange,
  routingKey,
  redelivered,
  receivedAt,
  properties,
}: Omit<JournalMessage, 'body' | 'offset'>): string {
  const { headers, unixSeconds, ...rest } = properties
  const stored: StoredProperties = {
    ...rest,
    ...(unixSeconds === undefined ? {} : { unixSeconds: unixSeconds.toString() }),
    ...(headers ? { headers: Object.keys(headers).map((name) => storedHeader(headers, name)) } : {}),
  }
  const envelope: StoredEnvelope = [exchange, routingKey, redelivered ? 1 : 0, receivedAt, stored]
  return JSON.stringify(envelope)
}

export function parseEnvelope(text: string, body: Buffer, offset: number): JournalMessage {
  const [exchange, routingKey, redelivered, receivedAt, stored] = JSON.parse(text) as StoredEnvelope
  const { headers, unixSeconds, ...rest } = stored
  const properties: MessageProperties = {
    ...rest,
    ...(unixSeconds === undefined ? {} : { unixSeconds: BigInt(unixSeconds) }),
    ...(headers ? { headers: headersOf(headers) } : {}),
  }
  return {
    exchange,
    routingKey,
    body,
    properties,
    redelivered: redelivered === 1,
    receivedAt,
    offset,
    mark: false,
  }
}

function storedHeader(headers: Readonly<Record<string, unknown>>, name: string): StoredHeader {
  const value = headers[name]
  const type = wireTypeOf(headers, name)
  const [kind, plain] = storedValue(value)
  return type === undefined ? [name, kind, plain] : [name, kind, plain, type]
}

function storedValue(value: unknown): readonly ['json' | 'bigint' | 'bytes', unknown] {
  if (typeof value === 'bigint') return ['bigint', value.toString()]
  if (value instanceof Uint8Array) return ['bytes', Buffer.from(value).toString('base64')]
  // Arrays and tables do not survive a stream, except the form of typed values, such as a time.
  return ['json', JSON.parse(JSON.stringify(value ?? null, (_name, inner) => plainNumber(inner))) as unknown]
}

function plainNumber(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}

function headersOf(stored: readonly StoredHeader[]): Record<string, unknown> {
  const headers: Record<string, unknown> = {}
  for (const [name, kind, value, type] of stored) {
    // A name from the wire may be `__proto__`.
    Object.defineProperty(headers, name, {
      value:
        kind === 'bigint' ? BigInt(String(value)) : kind === 'bytes' ? Buffer.from(String(value), 'base64') : value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
    if (type !== undefined) setWireType(headers, name, type)
  }
  return headers
}
