import type { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'

/**
 * A transport as the shared suite sees it. To take part: implement this in a file beside this one,
 * and add it to the list in `transports.test.ts`. A client here is what a careful user would write
 * on the transport: it keeps what comes, and asks nothing of the gateway but what the protocol has.
 */
export interface TransportAdapter {
  /** As metrics and sessions call it. */
  readonly name: string
  /**
   * Asks for a channel on a connection of its own. Resolves once that is on its way; how it is
   * answered, the listening tells.
   */
  listen(to: Under, asked: Asked): Promise<Listening>
  /**
   * A connection that breaks the rules of the protocol; resolves when the gateway has answered
   * that, or closed.
   */
  misbehave(to: Under): Promise<void>
}

/** Where the gateway is. */
export interface Under {
  readonly gateway: InProcessGateway
  readonly tcpPort: number
}

export interface Asked {
  readonly channel: string
  /** Undefined: none is sent. */
  readonly token: string | undefined
  readonly after?: string
}

export interface Heard {
  readonly kind: 'MESSAGE' | 'GAP'
  readonly cursor: string
  readonly data: unknown
}

export interface Listening extends AsyncDisposable {
  /**
   * Events in order. Ends with `Refused` where the subscription was refused or ended with an error.
   */
  readonly events: Inbox<Heard>
  /**
   * When the connection (or the response that it is) is over: whether the client was told, in the
   * protocol's way, to come back.
   */
  readonly closed: Promise<{ readonly comeBack: boolean }>
  /** Reads nothing from the network, so that the gateway's own buffers fill. */
  pause(): void
  resume(): void
}

/** The code of an error, as `docs/errors.md` has it. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly code: string

  constructor(code: string) {
    super(code)
    this.code = code
  }
}
