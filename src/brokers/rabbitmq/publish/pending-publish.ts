import { randomUUID } from 'node:crypto'
import { repeatedHeader } from '../../../core/publishing/repeated-header.ts'
import type { GatewayPublication } from '../../driver.ts'
import type { Options } from '../connection/amqp.ts'
import { toAmqp } from '../message/properties.ts'
import { checkProperties } from './publishable.ts'

/** The size of the header that marks a repeated publish, in bytes. */
const repeatedHeaderBytes = 32

/** What the caller of the publisher knows about the message. */
export interface Attempt {
  /** The message was published before and may be stored. */
  readonly repeated: boolean
  /**
   * Whether the journal's tail has received the message, so that it need not be published again.
   */
  readonly isStored: () => boolean
}

const firstAttempt: Attempt = { repeated: false, isStored: () => false }

/** One message from the call of `publish` until its caller has the answer. */
export class PendingPublish {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  /** As RabbitMQ spells it in a return: a lone surrogate comes back as U+FFFD. */
  readonly id: string
  /** Whether it is an error if the message is unroutable. */
  readonly mandatory: boolean
  /** The position in the order of publishing. */
  readonly sequence: number
  readonly answered: Promise<void>
  /** The caller has its answer; RabbitMQ may still owe a confirm. */
  settled = false
  /** RabbitMQ has returned the current attempt. */
  returned = false
  /**
   * RabbitMQ has confirmed the current attempt. The caller gets its answer after all earlier
   * messages have theirs.
   */
  confirmed = false
  /**
   * The message was sent before and RabbitMQ may have stored it, so the next attempt has the
   * header.
   */
  repeated: boolean
  /** The number of attempts. A confirm of an earlier attempt is ignored. */
  attempts = 0
  /** When it was last sent, by the monotonic clock, in milliseconds. */
  sentAt = 0
  /** Sent alone on its channel, because it may be the message that closed a channel. */
  suspect = false
  /** Sent alone on the connection, because it may be the message that closed a connection. */
  connectionSuspect = false
  /** How many connections closed while it was sent alone. */
  closedConnections = 0
  retries = 0
  readonly #options: Options.Publish
  readonly #headerBytes: number
  readonly #isStored: () => boolean
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** Throws `BAD_USER_INPUT` if the message cannot be published. */
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
    // Always mandatory on the wire, because a return also shows that RabbitMQ is still booting.
    this.#options = { ...toAmqp(publication.properties), messageId, mandatory: true, persistent: true }
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get bytes(): number {
    return this.body.length
  }

  /** The size of the frame with the properties. */
  get headerBytes(): number {
    return this.repeated ? this.#headerBytes + repeatedHeaderBytes : this.#headerBytes
  }

  get options(): Options.Publish {
    if (!this.repeated) return this.#options
    const headers = this.#options.headers as Record<string, unknown> | undefined
    return { ...this.#options, headers: { ...headers, [repeatedHeader]: true } }
  }

  /** The journal's tail has received the message, so it must not be published again. */
  get isStored(): boolean {
    return this.#isStored()
  }

  /** Exchange and routing key. A route that worked before differs from one that never did. */
  get route(): string {
    return `${this.exchange}\0${this.routingKey}`
  }

  settle(error?: Error): void {
    this.settled = true
    if (error) this.#reject(error)
    else this.#resolve()
  }
}
