import type { JournalMessage, Publication } from '../model/message.ts'
import type { Source } from '../model/source.ts'

/**
 * What the gateway asks of a message broker besides the journal. Implemented by the drivers that
 * can carry a gateway.
 */
export interface Broker {
  /**
   * With `into`, resolves with the entry once the journal's tail has brought the message back. A
   * message that RabbitMQ has confirmed and not stored is published again under the same id.
   * Otherwise resolves with undefined once the broker has confirmed that it holds the message; so
   * too where a buffered source holds it, and has not moved it into the journal within the bound.
   * Rejects with `BROKER_UNAVAILABLE` (neither within the configured bound), `BAD_USER_INPUT`
   * (`exchange`: no such exchange; `routingKey`: bound to nothing) or `PAYLOAD_TOO_LARGE`.
   */
  publish(publication: Publication): Promise<JournalMessage | undefined>

  /** Bytes of the bodies of publications that the broker has not answered yet. */
  readonly unansweredBytes: number

  /**
   * Makes the source's exchange flow into the journal: an existing exchange is taken as it is
   * (checked passively first), a missing one under the namespace is declared durable, and it is
   * bound. Repeatable. Bound sources are bound again on every reconnection, before readiness is
   * said. Resolves with whether the exchange was missing and has been declared. Rejects with
   * `SOURCE_CONFLICT` or `BROKER_UNAVAILABLE`, each with a sentence that says what to change.
   */
  bind(source: Source): Promise<{ declared: boolean }>

  /**
   * The same for a source that was bound before: returns at once. It is bound as soon as the broker
   * is there, before readiness is said; what stands in the way is told to the log, and tried again.
   */
  keep(source: Source): void

  /** Takes the binding away, unless another bound source needs the same one. The exchange stays. */
  unbind(source: Source): Promise<void>
}
