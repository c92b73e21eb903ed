/**
 * A message as a broker handed it over. The body is bytes until somebody asks for it: a message
 * that nobody here listens for is never parsed.
 */
export interface Message {
  /** The exchange it was published to; empty for the default exchange. */
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  readonly redelivered: boolean
  /** When this process received it, in milliseconds since the epoch. */
  readonly receivedAt: number
}

/** The properties of AMQP 0-9-1 (basic class) that Warren reads or sets. */
export interface MessageProperties {
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly messageId?: string
  readonly type?: string
  /** In milliseconds since the epoch; AMQP carries whole seconds. */
  readonly timestamp?: number
  /**
   * The timestamp as it came, where so many milliseconds are more than a number holds exactly: a
   * publisher counts in another unit.
   */
  readonly unixSeconds?: bigint
  readonly correlationId?: string
  readonly replyTo?: string
  readonly expiration?: string
  readonly userId?: string
  readonly appId?: string
  readonly priority?: number
  /** Integers that a number would round are bigints. */
  readonly headers?: Readonly<Record<string, unknown>>
}

/**
 * A message with its place in the journal. Offsets only grow; they have holes (RabbitMQ stream
 * segments eat some).
 */
export interface JournalMessage extends Message {
  readonly offset: number
  /** Written by a gateway to show liveness and the end of the log; never an event. */
  readonly mark: boolean
  /**
   * The broker cannot hand this message to any consumer: only its offset is known, all else is
   * empty. Nobody knows which clients it was for, so that every subscription is told a gap.
   */
  readonly unreadable?: boolean
  /**
   * It came through the queue of a buffered source, where a message id names a message: a second
   * copy is a repeat. Not kept in the hot window.
   */
  readonly buffered?: boolean
}

/** What is to be published. `exchange` unset: the default topic exchange, `<namespace>.events`. */
export interface Publication {
  readonly exchange?: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  /**
   * Whose share it takes of what may wait for the broker (`payerOf`). Undefined: the gateway's own.
   */
  readonly payer?: string | undefined
  /**
   * Where a source takes it to: at once into the journal, or into the queue of a buffered source
   * and then into the journal. Undefined: no source takes it.
   */
  readonly into?: 'journal' | 'buffer' | undefined
}
