import type { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'

/**
 * A transport for the shared suite. To add one, implement this in a file in this folder, and add it
 * to the list in `transports.test.ts`. A client here is what a careful user would write for the
 * transport: it queues what it receives, and uses only the protocol.
 */
export interface TransportAdapter {
  /** The name in metrics and sessions. */
  readonly name: string
  /**
   * Subscribes to a channel on a new connection. Resolves when the request is sent; `Listening`
   * shows how the gateway answers.
   */
  listen(to: Under, requested: ListenRequest): Promise<Listening>
  /**
   * Opens a connection that violates the protocol. Resolves when the gateway has answered or closed
   * it.
   */
  misbehave(to: Under): Promise<void>
}

/** The gateway under test. */
export interface Under {
  readonly gateway: InProcessGateway
  readonly tcpPort: number
}

export interface ListenRequest {
  readonly channel: string
  /** Undefined: send no token. */
  readonly token: string | undefined
  readonly after?: string
}

export interface ReceivedEvent {
  readonly kind: 'MESSAGE' | 'GAP'
  readonly cursor: string
  readonly data: unknown
}

export interface Listening extends AsyncDisposable {
  /**
   * Events in order. Rejects with `Refused` if the subscription was refused or ended with an error.
   */
  readonly events: Inbox<ReceivedEvent>
  /**
   * Resolves when the connection (over SSE the response) is closed, with whether the protocol's
   * client would reconnect.
   */
  readonly closed: Promise<{ readonly reconnects: boolean }>
  /** Stops reading from the network, so that the buffers of the gateway fill. */
  pause(): void
  resume(): void
}

/** An error code, as in `docs/errors.md`. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
