/**
 * A message as the broker delivered it. The body stays bytes until something reads it: a message
 * without a subscriber on this replica is never parsed.
 */
export interface Message {
  /** The exchange that it was published to; empty for the default exchange. */
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
   * The timestamp as received, if its milliseconds exceed what a number holds exactly: the
   * publisher uses another unit.
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

/** The message with a copy of its body. Call it before keeping a message with shared memory. */
export function withOwnBody<Given extends { readonly body: Buffer }>(message: Given): Given {
  return { ...message, body: Buffer.from(message.body) }
}

/**
 * A message with its offset in the journal. Offsets only grow, and they have holes (RabbitMQ stream
 * segments use some).
 */
export interface JournalMessage extends Message {
  readonly offset: number
  /** A gateway wrote it to show liveness and the end of the log; it is never an event. */
  readonly mark: boolean
  /**
   * The broker cannot deliver this message to any consumer: only its offset is known, all else is
   * empty. Its clients are unknown, so every subscription receives a gap event.
   */
  readonly unreadable?: boolean
  /**
   * It came through the queue of a buffered source, where a message id identifies a message: a
   * second copy is a repeat. The hot window does not keep this field.
   */
  readonly buffered?: boolean
}

/** What to publish. `exchange` undefined: the default topic exchange, `<namespace>.events`. */
export interface Publication {
  readonly exchange?: string
  readonly routingKey: string
  readonly body: Buffer
  readonly properties: MessageProperties
  /**
   * The payer (`payerOf`) that is charged for it while it waits for the broker. Undefined: the
   * gateway itself.
   */
  readonly payer?: string | undefined
  /**
   * Where a source routes it: at once into the journal, or into the queue of a buffered source and
   * from there into the journal. Undefined: no source takes it.
   */
  readonly into?: 'journal' | 'buffer' | undefined
}
