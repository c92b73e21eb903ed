import type { DeploymentKeys } from '../core/clients/deployment-keys.ts'
import type { BrokerInspector } from '../core/inspection/broker-inspector.ts'
import type { JournalMessage, Message, MessageProperties, Publication } from '../core/model/message.ts'
import type { Broker } from '../core/ports/broker.ts'
import type { ControlBus } from '../core/ports/control-bus.ts'
import type { HotWindow } from '../core/ports/hot-window.ts'
import type { Journal } from '../core/ports/journal.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { Requester } from '../core/ports/requester.ts'
import type { WindowBounds } from '../hot-window/hot-window.ts'

/**
 * The default export of a file in `drivers/`: a class with the URL scheme that it serves. Each
 * Distributor or gateway creates one instance. The constructor must not use the network.
 */
export interface DriverClass {
  /** With its colon: `amqp:`. */
  readonly scheme: string
  new (urls: readonly string[], options: DriverOptions): Driver
}

export interface DriverOptions {
  /** The prefix of every name that the driver declares on the broker. */
  readonly namespace: string
  /**
   * The exchange that routes topics as routing keys. Default: the topic exchange
   * `<namespace>.events`. An existing exchange is used as it is.
   */
  readonly exchange?: DistributorExchange
  /** Receives log lines about outages and about messages that were given up. */
  readonly log: Observer['log']
  /**
   * Called for each message that was dropped from a queue because the broker cannot deliver it to
   * any consumer.
   */
  onUnreadable?(): void
  /**
   * Called by a gateway's broker with the number of messages that were confirmed but not stored. It
   * publishes them again.
   */
  onNotStored?(messages: number): void
  /**
   * Called by a gateway's broker for each message of a buffered source that goes to the quarantine,
   * because the journal refuses it.
   */
  onRefused?(): void
  /**
   * Called by a gateway's broker for each of its parts, at each connection attempt. `reason` is
   * undefined when the part works again. `part` is the same object each time. `what` describes what
   * does not work during the interruption.
   */
  onInterrupted?(part: object, what: string, reason: string | undefined): void
}

export interface DistributorExchange {
  readonly name: string
  /** On a fanout exchange, a subscription to any topic receives every message. */
  readonly type: 'topic' | 'fanout'
  /** Whether a missing exchange is declared durable. Default true. */
  readonly durable?: boolean
}

/**
 * Implemented by every driver and called by `Distributor`. Only `publish` and `subscribe` are
 * required.
 */
export interface Driver {
  /**
   * Called once, before every other method. If it rejects, `Distributor.connect` rejects with the
   * same error.
   */
  connect?(): Promise<void>

  /** Called once, as the last method. It closes subscriptions that are still open. */
  close?(): Promise<void>

  /**
   * Resolves when the broker has accepted the message. A topic without subscribers is not an error.
   * The caller has checked that the topic has 1 to 255 bytes and that the properties have a content
   * type and a message id. The caller no longer uses the body.
   */
  publish(topic: string, body: Buffer, properties: MessageProperties): Promise<void>

  /**
   * Passes every message of the topics to `receive` until the subscription is closed, and only once
   * if several topics match. Resolves when the subscription is active: every later message is
   * received. With a group, each message goes to one of the subscriptions with the same group and
   * the same topics.
   *
   * `receive` never throws. If its promise rejects, the driver delivers the message again a few
   * times (`redeliveries.ts`), unless the error is `Undeliverable`. Finally it dead-letters the
   * message. At most `prefetch` calls run at a time.
   */
  subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription>

  /**
   * Only drivers that can carry a gateway have it. Starts to connect and returns at once. Called
   * instead of `connect`.
   */
  gateway?(options: GatewayOptions): GatewayBroker
}

export type Receive = (message: Message) => Promise<void>

export interface SubscribeOptions {
  /** If undefined, every subscription receives every message. */
  readonly group: string | undefined
  /** The maximum number of messages that callbacks process at a time, at least 1. */
  readonly prefetch: number
  /** Called when a message has been dead-lettered. It will not be delivered again. */
  onPoison(message: Message, error: unknown): void
}

export interface Subscription {
  /**
   * No callback starts after this call. Resolves when the running callbacks have ended. Idempotent.
   */
  close(): Promise<void>
}

/** Thrown by a callback if delivering the message again cannot help. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable'
}

export interface GatewayOptions {
  /**
   * The name of the journal's stream, to which every source is bound. Ignored by a broker without
   * queues.
   */
  readonly queue: string
  readonly publishTimeoutMs?: number
  readonly maxMessageBytes?: number
  /** Topic exchanges that back ends bind queues to. Declared at each connection. Default: none. */
  readonly hooks?: readonly string[]
}

export interface GatewayPublication extends Publication {
  /**
   * If false, an unroutable message is not an error. A missing exchange is always an error. Default
   * true.
   */
  readonly mandatory?: boolean
}

export interface FanoutExchanges {
  readonly own: string
  /**
   * Exchanges of other programs. They are not durable, because the old WebSocket manager declares
   * them so.
   */
  readonly fedBy: readonly string[]
  readonly declared: readonly string[]
}

/** Must not throw. */
export type FanoutListener = (message: Message) => void

export interface FanoutConsumption {
  /**
   * Whether the queue of this replica is bound. What is published before is not received. Once
   * bound, it stays so while the queue exists.
   */
  readonly bound: boolean
  close(): Promise<void>
}

/**
 * Receives the sealed keys in the epoch log, newest last. Returns the key to write to the log, so
 * that replicas without a shared registry agree on one key before any of them issues a cursor. The
 * caller holds a lock on the log.
 */
export type AgreeOnKey = (sealed: readonly string[]) => Promise<string>

export interface JournalOptions {
  /** The maximum that the journal keeps. */
  readonly retention: WindowBounds
  /** The maximum that the gateway keeps in memory of the journal's end. */
  readonly hotWindow: WindowBounds
  /** Undefined if the replicas share a registry, because the registry has the key. */
  readonly agreeOnKey?: AgreeOnKey | undefined
  /**
   * Where the embedded broker keeps its journal, so that it survives the process. Undefined: in
   * memory only. RabbitMQ ignores it.
   */
  readonly folder?: string | undefined
}

/** The broker of a gateway. Each broker implements it. */
export interface GatewayBroker extends Broker {
  /** Sentences for the operator, printed at startup; usually empty. */
  readonly notes: readonly string[]

  /**
   * Creates the journal on this broker, and its hot window. Called once. The journal connects when
   * it is opened.
   */
  openJournal(options: JournalOptions): { readonly journal: Journal; readonly hotWindow: HotWindow }

  publish(publication: GatewayPublication): Promise<JournalMessage | undefined>

  readonly state: BrokerState
  /**
   * Called at each change of `state`. The state is `up` when the broker accepts publishes and
   * bindings.
   */
  onState(listener: (state: BrokerState) => void): void

  /** What operators ask of the broker. Each call connects for itself, so that none costs before. */
  readonly operator: BrokerInspector

  /** Called once. It connects at the first request. */
  openRequester(): Requester

  /** `keys` sign the control messages and verify received ones. */
  openControlBus(keys: DeploymentKeys): ControlBus

  /**
   * Consumes the durable fanout exchange `own` and the exchanges that are bound to it, in order.
   * Each replica receives every message, through its own queue, which survives a lost connection
   * for minutes. After such a loss a message may be delivered twice. Missing exchanges are
   * declared, and declared again when they disappear; this includes those that are only in
   * `declared`. Existing exchanges are used as they are. Returns before the broker is connected.
   */
  consumeFanouts(exchanges: FanoutExchanges, receive: FanoutListener): FanoutConsumption

  /** Waits briefly for outstanding confirms. Idempotent. */
  close(): Promise<void>
}

export type BrokerState = { readonly up: true } | { readonly up: false /** A sentence. */; readonly reason: string }
