import type { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'

/**
 * A transport for the shared suite. To add one, implement this in a file in this folder, add it to
 * the list in `every-transport.ts`, and give it a file of tests in `test/transports/each`. A client here is what a careful user would write for the
 * transport: it queues what it receives, and uses only the protocol.
 */
export interface TransportAdapter {
  /** The name in metrics and sessions. */
  readonly name: string
  /** Distinguishes adapters with the same name. */
  readonly mode?: string
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
  /** The client id of a channel; with `typed`, the client id that the field `item` is asked for. */
  readonly channel: string
  /** Subscribes to the typed field `item` of `sdl`, not to the channel. */
  readonly typed?: boolean
  /** Undefined: send no token. */
  readonly token: string | undefined
  readonly after?: string | undefined
  readonly last?: number
  readonly every?: string
  readonly position?: string
  readonly autoAck?: 'DELIVERED'
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

/** The schema of the gateway under test. `item` delivers to the client that a header names. */
export const sdl = `
type Subscription {
  item(clientId: ID! @match(header: "x-client") @owner): Item @events(exchange: "items")
}
type Item { data: JSON @from(body: "") }
`

export const itemQuery =
  'subscription ($clientId: ID!, $after: Cursor, $last: Int, $every: String, $position: String, $autoAck: AutoAck) { item(clientId: $clientId, after: $after, last: $last, every: $every, position: $position, autoAck: $autoAck) { data } }'

/** What transports without documents subscribe to. */
export function nameOf({ channel, typed }: ListenRequest): string {
  return typed ? `item?clientId=${encodeURIComponent(channel)}` : channel
}

/** The data of an event, as transports without documents send it. */
export function dataIn({ typed }: ListenRequest, data: unknown): unknown {
  return typed ? (data as { data: unknown } | undefined)?.data : data
}

interface ItemResult {
  readonly data?: { readonly item?: { readonly data: unknown } | null } | null
  readonly extensions?: { readonly warren?: { readonly cursor: string; readonly gap?: object } }
}

/** The event of a result of `itemQuery`. */
export function itemEvent({ data, extensions }: ItemResult): ReceivedEvent {
  const { cursor = '', gap } = extensions?.warren ?? {}
  return { kind: gap ? 'GAP' : 'MESSAGE', cursor, data: data?.item?.data }
}
