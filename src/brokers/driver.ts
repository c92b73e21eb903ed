import type { DeploymentKeys } from '../core/clients/deployment-keys.ts'
import type { JournalMessage, Message, MessageProperties, Publication } from '../core/model/message.ts'
import type { Broker } from '../core/ports/broker.ts'
import type { ControlBus } from '../core/ports/control-bus.ts'
import type { HotWindow } from '../core/ports/hot-window.ts'
import type { Journal } from '../core/ports/journal.ts'
import type { Observer } from '../core/ports/observer.ts'
import type { WindowBounds } from '../hot-window/hot-window.ts'

/**
 * What a file in `drivers/` exports as its default: a class with the scheme of the URLs that it
 * serves. It is made once a Distributor or gateway, and must not touch the network until it is
 * asked for something.
 */
export interface DriverClass {
  /** With its colon: `amqp:`. */
  readonly scheme: string
  new (urls: readonly string[], options: DriverOptions): Driver
}

export interface DriverOptions {
  /** The prefix of everything that the driver declares on the broker. */
  readonly namespace: string
  /**
   * Where topics are routing keys; default: the topic exchange `<namespace>.events`. Taken as it is
   * where it exists.
   */
  readonly exchange?: DistributorExchange
  /**
   * Where a driver reports what happens without being asked: an outage, a message that nobody could
   * take.
   */
  readonly log: Observer['log']
  /**
   * Called for each message that was dropped from a queue because the broker can hand it to no
   * consumer.
   */
  onUnreadable?(): void
  /**
   * Called by a gateway's broker: so many messages were confirmed and not stored, and are
   * published again.
   */
  onNotStored?(messages: number): void
  /**
   * Called by a gateway's broker for each part of it: with a reason while the part is interrupted,
   * without one when it works again. `part` is the same object each time, `what` says what does
   * not work meanwhile. Called at each attempt.
   */
  onInterrupted?(part: object, what: string, reason: string | undefined): void
}

export interface DistributorExchange {
  readonly name: string
  /** On a fanout exchange every topic hears everything. */
  readonly type: 'topic' | 'fanout'
  /** As it is declared where it is missing. Default true. */
  readonly durable?: boolean
}

/**
 * Implemented by every driver; called by `Distributor`. All but `publish` and `subscribe` may be
 * left out.
 */
export interface Driver {
  /** Called once before anything else. A rejection is what `Distributor.connect` rejects with. */
  connect?(): Promise<void>

  /** Called once, last. Subscriptions that are still open end with it. */
  close?(): Promise<void>

  /**
   * Resolves once the broker holds the message. That nobody listens to the topic is no error. The
   * topic has been checked: 1 to 255 bytes; the properties have a content type and a message id.
   * The body belongs to the driver from now on.
   */
  publish(topic: string, body: Buffer, properties: MessageProperties): Promise<void>

  /**
   * Hands every message of the topics to `receive` until the subscription is closed, once also
   * where several topics match. Resolves when it is in force: what is published afterwards is
   * received. With a group, each message goes to one of the subscriptions with the same group and
   * the same topics.
   *
   * `receive` never throws. Its promise rejects when the message could not be taken: the driver
   * then hands it over again some times (`redeliveries.ts`), unless the error is `Undeliverable`,
   * and sets it aside in the end. At most `prefetch` calls run at a time.
   */
  subscribe(topics: readonly string[], receive: Receive, options: SubscribeOptions): Promise<Subscription>

  /**
   * Offered by drivers that can carry a gateway. Begins to connect and returns at once. Called
   * instead of `connect`.
   */
  gateway?(options: GatewayOptions): GatewayBroker
}

export type Receive = (message: Message) => Promise<void>

export interface SubscribeOptions {
  /** Undefined: every subscription receives every message. */
  readonly group: string | undefined
  /** How many messages may be in the hands of the callback at a time, at least 1. */
  readonly prefetch: number
  /**
   * Told of a message that has been set aside: it could not be taken, and will not be handed over
   * again.
   */
  onPoison(message: Message, error: unknown): void
}

export interface Subscription {
  /**
   * No call of the callback begins after this; resolves when those that run have ended. Idempotent.
   */
  close(): Promise<void>
}

/** A message that handing over again will not mend. */
export class Undeliverable extends Error {
  override readonly name = 'Undeliverable'
}

export interface GatewayOptions {
  /**
   * What every source flows into: the name of the journal's stream. Of no meaning to a broker
   * without queues.
   */
  readonly queue: string
  readonly publishTimeoutMs?: number
  readonly maxMessageBytes?: number
}

export interface GatewayPublication extends Publication {
  /**
   * False: that it is bound to nothing is no error. An exchange that isn't there is one all the
   * same. Default true.
   */
  readonly mandatory?: boolean
}

export interface FanoutExchanges {
  readonly own: string
  /** Those of other programs: not durable, as the old WebSocket manager declares them. */
  readonly fedBy: readonly string[]
  readonly declared: readonly string[]
}

/** Must not throw. */
export type FanoutListener = (message: Message) => void

/**
 * Called with the sealed keys that the log of epochs has, the newest last. Answers with the one to
 * write there, so that replicas without a shared registry agree on one key before any of them
 * prints a cursor. The caller holds a lock on the log.
 */
export type AgreeOnKey = (sealed: readonly string[]) => Promise<string>

export interface JournalOptions {
  /** What the journal keeps, at most. */
  readonly retention: WindowBounds
  /** What the gateway keeps in memory of the journal's end, at most. */
  readonly hotWindow: WindowBounds
  /** Undefined: the replicas share a registry, which has the key. */
  readonly agreeOnKey?: AgreeOnKey | undefined
}

/** What carries a gateway: implemented by each broker. */
export interface GatewayBroker extends Broker {
  /** Sentences for the operator, printed at the start; empty if there is nothing to know. */
  readonly notes: readonly string[]

  /**
   * Makes the journal on this broker and the hot window that belongs to it; called once. The
   * journal connects when it is opened.
   */
  openJournal(options: JournalOptions): { readonly journal: Journal; readonly hotWindow: HotWindow }

  publish(publication: GatewayPublication): Promise<JournalMessage | undefined>

  readonly state: BrokerState
  /** Called at each change of `state`; `up` when publications and bindings can be made. */
  onState(listener: (state: BrokerState) => void): void

  /** `keys`: what it signs with, and whose signatures it takes. */
  openControlBus(keys: DeploymentKeys): ControlBus

  /**
   * Hands over what comes to the durable fanout exchange `own` and to those that feed it, in order,
   * each replica all of it, through a queue of its own that outlives a lost connection by minutes.
   * After such a loss a message may come twice. Exchanges that are missing, those only `declared`
   * included, are declared, and again when they are gone; existing ones are taken as they are.
   * Returns before the broker is there.
   */
  consumeFanouts(exchanges: FanoutExchanges, receive: FanoutListener): { close(): Promise<void> }

  /** Publications under way get a moment to be confirmed. Idempotent. */
  close(): Promise<void>
}

export type BrokerState = { readonly up: true } | { readonly up: false /** A sentence. */; readonly reason: string }
