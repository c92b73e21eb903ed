import { badInput } from '../../../errors.ts'
import { qualityOf } from '../../http/media-types.ts'
import { maxIdBytes } from '../operations/operation-frames.ts'
import { streamFormOf } from '../streaming/negotiated-form.ts'

/** What a router asks for in `extensions.subscription`. */
export interface CallbackRequest {
  readonly callbackUrl: string
  readonly subscriptionId: string
  /** Proves to the router that a message comes from here. */
  readonly verifier: string
  /** 0: no heartbeats. */
  readonly heartbeatIntervalMs: number
}

const maxUrlBytes = 2_048
const maxVerifierBytes = 1_024
/** What routers and servers of the protocol use if the request has no interval, in milliseconds. */
const defaultHeartbeatMs = 5_000
const heartbeatBounds = { min: 100, max: 3_600_000 }

type Extensions = Readonly<Record<string, unknown>> | null | undefined

/** Whether results of a subscription are to be posted to its sender (HTTP callback protocol). */
export function wantsCallback(accept: string | undefined, extensions: Extensions): boolean {
  if (/;\s*callbackSpec\s*=\s*"?1\.0"?\s*(?:[;,]|$)/i.test(accept ?? '')) return true
  const { callbackUrl } = (extensions?.['subscription'] ?? {}) as { callbackUrl?: unknown }
  return callbackUrl !== undefined && !streamFormOf(accept) && qualityOf(accept, 'application/json') > 0
}

/** Throws `BAD_USER_INPUT`, which names the field. */
export function callbackRequestIn(extensions: Extensions): CallbackRequest {
  const given = extensions?.['subscription']
  if (typeof given !== 'object' || given === null)
    throw badInput('extensions.subscription', 'expected callbackUrl, subscriptionId and verifier of a callback')
  const { callbackUrl, subscriptionId, verifier, heartbeatIntervalMs } = given as Record<string, unknown>
  return {
    callbackUrl: textIn('callbackUrl', callbackUrl, maxUrlBytes),
    subscriptionId: textIn('subscriptionId', subscriptionId, maxIdBytes),
    verifier: textIn('verifier', verifier, maxVerifierBytes),
    heartbeatIntervalMs: intervalIn(heartbeatIntervalMs),
  }
}

function textIn(name: string, value: unknown, maxBytes: number): string {
  if (typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= maxBytes) return value
  throw badInput(`extensions.subscription.${name}`, `expected a text of 1 to ${maxBytes} bytes`)
}

function intervalIn(value: unknown): number {
  const number = value === undefined || value === null ? defaultHeartbeatMs : Number(value)
  const { min, max } = heartbeatBounds
  if (number === 0 || (Number.isInteger(number) && number >= min && number <= max)) return number
  throw badInput('extensions.subscription.heartbeatIntervalMs', `expected 0, or a whole number from ${min} to ${max}`)
}
