import type { MessageEvent } from '../model/channel-event.ts'

/** The cost of an event without its message, in bytes: the objects of its fields. */
const eventBytes = 512
/** The cost of a parsed JSON value without its characters, in bytes. It dominates `[[],[],…]`. */
const valueBytes = 24

/**
 * Estimates the memory that an event holds until its answer is sent, in bytes: the received body,
 * plus body and headers as often as the answer contains them.
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
