import type { ChannelModel } from 'amqplib'
import type { MessageProperties, Publication } from '../../../core/model/message.ts'

/** What the stream journal needs of a connection that heals; the AMQP driver's link is one. */
export interface JournalLinkSession {
  readonly connection: ChannelModel
  readonly deliveries: StreamDeliveries
  /** Ends the session; the link comes again after a while. Idempotent. */
  fail(error: Error): void
  /**
   * The same because the node brings nothing about though it is connected: other links leave it
   * too. The reason completes "… is left: …".
   */
  failNode(reason: string): void
  /** Whether another node may serve better: there is one, and no alarm stops the whole cluster. */
  readonly mayMove: boolean
  /** Another connection to the same node, which is gone when this session ends. */
  openSibling(purpose: string): Promise<SiblingConnection>
  /** Aborted when the session has ended. */
  readonly signal: AbortSignal
}

export interface SiblingConnection {
  readonly connection: ChannelModel
  close(): Promise<void>
}

/** A message of a stream as it came. */
export interface StreamDelivery {
  readonly deliveryTag: number
  readonly streamOffset: number | undefined
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly body: Buffer
}

/** Hands over messages in the turn in which they come in. */
export interface StreamDeliveries {
  /** Those of this consumer, by its tag; called before it is made. `take` must not throw. Returns how to stop. */
  take(consumerTag: string, take: (delivery: StreamDelivery) => void): () => void
}

export interface JournalLinkOptions {
  readonly purpose: string
  /** Called on each new connection; a rejection ends the session. */
  establish(session: JournalLinkSession): Promise<void>
  /** After `establish` has resolved. */
  onUp?(): void
  /** Once at the start of an outage. */
  onDown?(reason: string): void
  /** Before each new attempt; the reason may be another by now. */
  onRetry?(reason: string): void
}

/** Opens a connection of its own for one purpose, and keeps it. */
export type OpenLink = (options: JournalLinkOptions) => { close(): Promise<void> }

/** Publishes on a connection of another purpose: one that ever published is frozen by an alarm, and the tail must not be. */
export type Publish = (publication: Publication) => Promise<void>
