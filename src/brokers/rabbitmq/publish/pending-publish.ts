import { randomUUID } from 'node:crypto'
import { repeatedHeader } from '../../../core/publishing/repeated-header.ts'
import type { GatewayPublication } from '../../driver.ts'
import type { Options } from '../connection/amqp.ts'
import { toAmqp } from '../message/properties.ts'
import { checkProperties } from './publishable.ts'

/** What the header of a repeated publication adds to its frame, in bytes. */
const repeatedHeaderBytes = 32

/** What is known of a publication when it is handed to the publisher. */
export interface Attempt {
  /** It was published before, and may be stored. */
  readonly repeated: boolean
  /** Whether the journal's tail has brought it back, so that it need not be published again. */
  readonly isStored: () => boolean
}

const firstAttempt: Attempt = { repeated: false, isStored: () => false }

/** One publication on its way: from `publish` being called until its caller has the answer. */
export class PendingPublish {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  /** As RabbitMQ will spell it in a return: a lone surrogate comes back as U+FFFD. */
  readonly id: string
  /** Whether being bound to nothing is an error. */
  readonly mandatory: boolean
  /** The place in the order of publishing. */
  readonly sequence: number
  readonly answered: Promise<void>
  /** Its caller has an answer; RabbitMQ may still owe one. */
  settled = false
  /** RabbitMQ has returned it in this attempt. */
  returned = false
  /**
   * RabbitMQ has confirmed this attempt; the caller gets its answer after all earlier ones have
   * theirs.
   */
  confirmed = false
  /** It was sent before, and RabbitMQ may have stored it: the next attempt has the header. */
  repeated: boolean
  /** Counts how often it was sent; an answer to an earlier attempt is ignored. */
  attempts = 0
  /** When it was sent last, by the monotonic clock, in milliseconds. */
  sentAt = 0
  /** Sent alone on its channel, because it may be the one that ended a channel. */
  suspect = false
  /** Sent alone on the connection, because it may be the one that ended a connection. */
  connectionSuspect = false
  /** How many connections ended while it was sent alone. */
  connectionsEnded = 0
  retries = 0
  readonly #options: Options.Publish
  readonly #headerBytes: number
  readonly #isStored: () => boolean
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** Throws `BAD_USER_INPUT` where it cannot be published. */
  constructor(
    sequence: number,
    publication: GatewayPublication,
    defaultExchange: string,
    { repeated, isStored } = firstAttempt,
  ) {
    this.sequence = sequence
    this.exchange = publication.exchange ?? defaultExchange
    this.routingKey = publication.routingKey
    this.body = publication.body
    this.mandatory = publication.mandatory ?? true
    this.repeated = repeated
    this.#isStored = isStored
    const messageId = publication.properties.messageId ?? randomUUID()
    this.id = Buffer.from(messageId).toString()
    this.#headerBytes = checkProperties({ ...publication.properties, messageId })
    // Always mandatory on the wire: a return is also how the boot window shows.
    this.#options = { ...toAmqp(publication.properties), messageId, mandatory: true, persistent: true }
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get bytes(): number {
    return this.body.length
  }

  /** Of the frame with the properties. */
  get headerBytes(): number {
    return this.repeated ? this.#headerBytes + repeatedHeaderBytes : this.#headerBytes
  }

  get options(): Options.Publish {
    if (!this.repeated) return this.#options
    const headers = this.#options.headers as Record<string, unknown> | undefined
    return { ...this.#options, headers: { ...headers, [repeatedHeader]: true } }
  }

  /** The journal's tail has brought it back: it is not to be published again. */
  get isStored(): boolean {
    return this.#isStored()
  }

  /** Where it goes; what has been routed once can be told from what never could. */
  get route(): string {
    return `${this.exchange}\0${this.routingKey}`
  }

  settle(error?: Error): void {
    this.settled = true
    if (error) this.#reject(error)
    else this.#resolve()
  }
}
