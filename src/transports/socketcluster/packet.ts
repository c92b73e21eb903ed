import { JsonNumber } from '../../core/json/json-number.ts'
import { parseJson } from '../../core/json/parse-json.ts'

/**
 * The id of a call, which its answer repeats. JavaScript clients send numbers, some other clients
 * text.
 */
export type CallId = number | string | JsonNumber

/** A client's event. `cid` undefined: it expects no answer. */
export interface Packet {
  readonly event: string
  readonly data: unknown
  readonly cid: CallId | undefined
  /** The text of the frame. Undefined if the packet is one of a batch. */
  readonly text?: string | undefined
}

export type SocketClusterFrame =
  | { readonly kind: 'pong'; readonly protocol: 1 | 2 }
  | { readonly kind: 'packets'; readonly packets: readonly Packet[] }
  | { readonly kind: 'oversized-batch' }
  /** Text that is not a packet. Servers ignore it. */
  | { readonly kind: 'raw' }

/** How many packets one frame may have. The published clients send far fewer. */
export const maxBatch = 1_000
const maxCallIdLength = 100

/**
 * Reads a client's frame, of protocol 1 or 2. Answers to calls are raw, because the gateway makes
 * no calls.
 */
export function decodeFrame(text: string): SocketClusterFrame {
  if (text === '') return { kind: 'pong', protocol: 2 }
  if (text === '#2') return { kind: 'pong', protocol: 1 }
  const value = parsed(text)
  if (Array.isArray(value)) {
    if (value.length > maxBatch) return { kind: 'oversized-batch' }
    return packets(value.flatMap((item) => packetOf(item) ?? []))
  }
  const packet = packetOf(value)
  return packet ? packets([{ ...packet, text }]) : { kind: 'raw' }
}

function packets(found: readonly Packet[]): SocketClusterFrame {
  return found.length > 0 ? { kind: 'packets', packets: found } : { kind: 'raw' }
}

function parsed(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

function packetOf(value: unknown): Packet | undefined {
  const event = memberOf(value, 'event')
  if (typeof event !== 'string') return undefined
  return { event, data: memberOf(value, 'data'), cid: callIdOf(memberOf(value, 'cid')) }
}

function callIdOf(cid: unknown): CallId | undefined {
  if (typeof cid === 'string') return cid.length <= maxCallIdLength ? cid : undefined
  const isNumber = cid instanceof JsonNumber ? cid.token.length <= maxCallIdLength : Number.isFinite(cid)
  return isNumber ? (cid as number | JsonNumber) : undefined
}

/** An own member of a value from the network, never one of its prototype. */
export function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name]
}
