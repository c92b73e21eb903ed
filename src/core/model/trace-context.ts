import type { Counted } from '../accounting/message-outcomes.ts'
import type { JournalMessage } from './message.ts'

/**
 * The header of AMQP messages and the name in a result's extensions.
 * https://www.w3.org/TR/trace-context/
 */
export const traceparentName = 'traceparent'

const pattern = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/** What a publisher said of its trace; undefined where it said nothing that can be read. */
export function traceparentOf({ properties: { headers } }: JournalMessage): string | undefined {
  const given = headers?.[traceparentName]
  return typeof given === 'string' && pattern.test(given) ? given : undefined
}

/**
 * Who keeps spans. Asked only about messages that bear a trace context, and only where tracing is
 * on.
 */
export interface Tracing {
  /**
   * A message is about to be given to its subscriptions. `end` is called when it has been. Neither
   * blocks nor throws.
   */
  begin(message: JournalMessage & Counted, traceparent: string): DeliverySpan
}

export interface DeliverySpan {
  /** What clients are told: this span, as the parent of what they do with the message. */
  readonly traceparent: string
  end(): void
}
