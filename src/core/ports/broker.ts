import type { JournalMessage, Publication } from '../model/message.ts'
import type { Source } from '../model/source.ts'

/**
 * What the gateway needs from a message broker, apart from the journal. Each driver that can carry
 * a gateway implements it.
 */
export interface Broker {
  /**
   * Publishes one message. Called by `PublishGate` and `Quarantine`.
   *
   * With `into`, resolves with the entry when the journal's tail has read the message back. If
   * RabbitMQ confirmed the message without storing it, the driver publishes it again under the same
   * id. With `into: 'buffer'`, resolves with undefined if the source's queue holds the message and
   * it has not reached the journal within the bound. Without `into`, resolves with undefined when
   * the broker has confirmed the message.
   *
   * Rejects with a `GatewayError`:
   * * `BROKER_UNAVAILABLE`: no answer within the configured bound, or the broker is closed;
   * * `BAD_USER_INPUT`: AMQP or the broker refuses the message. `field` names the cause: `exchange`
   *   (no exchange has this name), `routingKey` (nothing is bound to it), or a property;
   * * `PAYLOAD_TOO_LARGE`: the body exceeds the message limit. Not for the quarantine.
   */
  publish(publication: Publication): Promise<JournalMessage | undefined>

  /** Bytes of the bodies of publications that the broker has not answered yet. */
  readonly unansweredBytes: number

  /**
   * Makes messages of the source's exchange flow into the journal. Called for a new source, and
   * again for the default source until it succeeds; idempotent.
   *
   * An existing exchange is used as it is, after a passive check. A missing one under the namespace
   * is declared durable. From then on the driver binds the source again after every reconnection,
   * before the journal reports `onUp`. Resolves with whether the exchange was missing and has been
   * declared. Rejects with `SOURCE_CONFLICT` or `BROKER_UNAVAILABLE`; the error text names
   * what to change.
   */
  bind(source: Source): Promise<{ declared: boolean }>

  /**
   * As `bind`, for a source that was bound before. Returns at once and never throws. The driver
   * binds the source when the broker is available, before the journal reports `onUp`; it logs
   * failures and tries again.
   */
  keep(source: Source): void

  /**
   * Removes the source's binding, unless another bound source needs the same one. The exchange
   * stays. The source is not bound again after a reconnection.
   */
  unbind(source: Source): Promise<void>
}
