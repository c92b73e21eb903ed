import type { Message, MessageProperties } from '../model/message.ts'

/** A message that asks for a reply. */
export interface Request {
  /** Empty: the default exchange, which routes to the queue with the name of the routing key. */
  readonly exchange: string
  readonly routingKey: string
  readonly body: Buffer
  /** Without `replyTo`, `correlationId` and `expiration`, which the requester sets. */
  readonly properties: MessageProperties
  /** How long the caller waits for the reply, in milliseconds. The request expires then, too. */
  readonly timeoutMs: number
}

/** Sends requests over the broker and finds their replies. */
export interface Requester {
  /** Requests without a reply so far. */
  readonly inFlight: number
  /**
   * Resolves with the first reply; later ones are dropped. Rejects with `NO_RESPONDER` if no queue
   * takes the request, `REQUEST_TIMEOUT`, `BAD_USER_INPUT`, `PAYLOAD_TOO_LARGE`, or
   * `BROKER_UNAVAILABLE`. A request that was sent before the broker was lost may have been handled:
   * the error then has `mayHaveRun`.
   */
  request(request: Request): Promise<Message>
  /** Rejects every open request with `BROKER_UNAVAILABLE`. */
  close(): Promise<void>
}
