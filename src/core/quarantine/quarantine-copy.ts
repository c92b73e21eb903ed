import { copyWireTypes } from '../body/amqp-field-types.ts'
import type { Message, MessageProperties, Publication } from '../model/message.ts'

/**
 * The full copy is skipped if the headers are larger than this: AMQP libraries and brokers
 * (`frame_max`) carry a few tens of KiB.
 */
const maxHeaderBytes = 48 * 1024
/**
 * What a summary keeps of the headers, in bytes. It fits into the smallest frame of AMQP 0-9-1
 * (§4.2.3: 4096 bytes).
 */
const summaryLimits = { headerBytes: 256, allHeadersBytes: 1024, noteBytes: 512, bodyBytes: 64 * 1024 }

/** `offset`: the place in the journal. Undefined if the message never reached the journal. */
type QuarantinedMessage = Pick<Message, 'exchange' | 'routingKey' | 'body' | 'properties' | 'receivedAt'> & {
  readonly offset?: number
}

/**
 * Yields copies of a message for the quarantine, the fullest first:
 * * the whole message, unless its headers are too large;
 * * a summary, with `x-warren-left-out` naming what is missing;
 * * a summary with only the beginning of the body.
 * The caller publishes the first copy that the broker accepts. `details`: further headers.
 */
export function* copiesOf(
  { exchange, routingKey, offset, body, properties, receivedAt }: QuarantinedMessage,
  reason: string,
  details: Readonly<Record<string, string>> = {},
): Generator<Omit<Publication, 'exchange'>, void> {
  const { userId, expiration, headers = {}, ...kept } = properties
  const { unixSeconds } = kept
  // No AMQP client for JavaScript can write such a timestamp.
  const isLost = unixSeconds !== undefined && BigInt(Number(unixSeconds)) !== unixSeconds
  const envelope = {
    // RabbitMQ refuses the user id of another user
    // (https://www.rabbitmq.com/docs/validated-user-id), and a copy that expires would be lost
    // unread. So headers keep both values.
    ...(userId === undefined ? {} : { 'x-warren-user-id': userId }),
    ...(expiration === undefined ? {} : { 'x-warren-expiration': expiration }),
    ...(isLost ? { 'x-warren-timestamp': unixSeconds.toString() } : {}),
    'x-warren-reason': reason,
    'x-warren-exchange': exchange,
    'x-warren-routing-key': routingKey,
    ...(offset === undefined ? {} : { 'x-warren-offset': offset }),
    'x-warren-received-at': new Date(receivedAt).toISOString(),
    ...details,
  }
  if (weightOf(headers) <= maxHeaderBytes) {
    yield { routingKey, body, properties: { ...kept, headers: copyWireTypes(headers, { ...headers, ...envelope }) } }
  }
  const { timestamp, unixSeconds: _seconds, priority: _priority, ...texts } = kept
  const small = smallHeaders(headers)
  const leftOut = [
    ...Object.entries(headers)
      .filter(([name]) => !(name in small))
      .map(([name, value]) => `header ${JSON.stringify(name)} (${weightOf(value)} bytes)`),
    ...(timestamp === undefined ? [] : [`timestamp ${timestamp / 1000} s`]),
  ]
  const summarized = (bytes: Buffer, notes: readonly string[]) => {
    const note = { 'x-warren-left-out': truncate(notes.join(', '), summaryLimits.noteBytes) }
    const properties: MessageProperties = { ...texts, headers: { ...small, ...envelope, ...note } }
    return { routingKey, body: bytes, properties }
  }
  yield summarized(body, leftOut)
  const beginning = body.subarray(0, summaryLimits.bodyBytes)
  yield summarized(beginning, [`body behind its first ${beginning.length} of ${body.length} bytes`, ...leftOut])
}

/** The headers with short, plain values, up to a bound for all of them. */
function smallHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const small: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  let left = summaryLimits.allHeadersBytes
  for (const [name, value] of Object.entries(headers)) {
    const plain = typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value)
    const bytes = Buffer.byteLength(name) + weightOf(value)
    if (!plain || bytes > summaryLimits.headerBytes || bytes > left) continue
    small[name] = value
    left -= bytes
  }
  return small
}

/** Approximately how many bytes AMQP needs for the value. */
function weightOf(value: unknown): number {
  if (typeof value === 'string') return 5 + Buffer.byteLength(value)
  if (value instanceof Uint8Array) return 5 + value.length
  if (typeof value !== 'object' || value === null) return 9
  let bytes = 5
  for (const [name, one] of Object.entries(value)) bytes += 1 + Buffer.byteLength(name) + weightOf(one)
  return bytes
}

function truncate(text: string, maxBytes: number): string {
  return Buffer.byteLength(text) <= maxBytes
    ? text
    : `${Buffer.from(text).subarray(0, maxBytes).toString().replace(/�+$/, '')}…`
}
