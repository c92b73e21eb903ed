import type { MessageEvent } from '../model/channel-event.ts'

/** What an event costs beside its message: the objects of its fields, in bytes. */
const eventBytes = 512
/**
 * What a value of JSON costs beside its characters once it is parsed: most of `[[],[],…]` is this.
 */
const valueBytes = 24

/**
 * An estimate of what an event holds in memory until its answer is sent, in bytes: its body as it
 * came, and body and headers as often as the answer has them.
 */
export function eventWeight(
  { message: { body, properties } }: MessageEvent,
  copies: { data: number; headers: number },
): number {
  let ofBody = body.length
  if (copies.data > 0)
    for (const byte of body) if (byte === comma || byte === bracket || byte === brace) ofBody += valueBytes
  const ofHeaders = copies.headers > 0 ? weightOfHeaders(properties.headers) * copies.headers : 0
  return eventBytes + ofBody * Math.max(1, copies.data) + ofHeaders
}

const comma = 0x2c
const bracket = 0x5b
const brace = 0x7b

function weightOfHeaders(value: unknown): number {
  if (typeof value === 'string' || value instanceof Uint8Array) return valueBytes + value.length
  if (typeof value !== 'object' || value === null) return valueBytes
  let weight = valueBytes
  for (const [name, member] of Object.entries(value)) weight += name.length + weightOfHeaders(member)
  return weight
}
