import { randomBytes } from 'node:crypto'
import type { JournalMessage } from '../model/message.ts'
import type { Counted } from './message-outcomes.ts'

/**
 * The name of the header of AMQP messages, and of the member of a result's extensions.
 * https://www.w3.org/TR/trace-context/
 */
export const traceparentName = 'traceparent'

const pattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** The trace context that the publisher set; undefined if it set none or an invalid one. */
export function traceparentOf({ properties: { headers } }: JournalMessage): string | undefined {
  const given = headers?.[traceparentName]
  return typeof given === 'string' && pattern.test(given) ? given : undefined
}

/** The context of a trace that begins here and is not sampled. */
export function newTraceparent(): string {
  const hex = randomBytes(24).toString('hex')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`
}

/**
 * Records spans. The gateway calls it only if tracing is on, and only for messages with a trace
 * context.
 */
export interface Tracing {
  /**
   * Called before a message is delivered to its subscriptions; the gateway calls `end` of the
   * result afterwards. Neither may block or throw.
   */
  begin(message: JournalMessage & Counted, traceparent: string): DeliverySpan
}

export interface DeliverySpan {
  /** The `traceparent` that clients receive: this span, as the parent of their own spans. */
  readonly traceparent: string
  end(): void
}
