import { randomUUID } from 'node:crypto'
import type { Options } from 'amqplib'
import type { GatewayPublication } from '../driver.ts'
import { toAmqp } from './properties.ts'
import { checkProperties } from './publishable.ts'

/** One publication on its way: from `publish` being called until its caller has the answer. */
export class Outgoing {
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly options: Options.Publish
  /** As RabbitMQ will spell it in a return: a lone surrogate comes back as U+FFFD. */
  readonly id: string
  /** Whether being bound to nothing is an error. */
  readonly mandatory: boolean
  /** The place in the order of publishing. */
  readonly sequence: number
  /** Of the frame with the properties. */
  readonly headerBytes: number
  readonly answered: Promise<void>
  /** Its caller has an answer; RabbitMQ may still owe us one. */
  settled = false
  /** RabbitMQ has sent it back in this attempt. */
  returned = false
  /** Sent alone, because it may be the one that ended a channel or a connection. */
  suspect = false
  /** How many connections ended while it was sent alone. */
  connectionsEnded = 0
  retries = 0
  #resolve: () => void = () => {}
  #reject: (error: Error) => void = () => {}

  /** Throws `BAD_USER_INPUT` where it cannot be published. */
  constructor(sequence: number, publication: GatewayPublication, defaultExchange: string) {
    this.sequence = sequence
    this.exchange = publication.exchange ?? defaultExchange
    this.routingKey = publication.routingKey
    this.body = publication.body
    this.mandatory = publication.mandatory ?? true
    const messageId = publication.properties.messageId ?? randomUUID()
    this.id = Buffer.from(messageId).toString()
    this.headerBytes = checkProperties({ ...publication.properties, messageId })
    // Always mandatory on the wire: a return is also how the boot window shows.
    this.options = { ...toAmqp(publication.properties), messageId, mandatory: true, persistent: true }
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  get bytes(): number {
    return this.body.length
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
