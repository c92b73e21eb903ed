import type { IncomingMessage } from 'node:http'

export interface HeartbeatOptions {
  readonly pingIntervalMs: number
  /** The time between the ping of protocol 1 and that of protocol 2, to a client of either. */
  readonly probeGapMs: number
  /**
   * A client that sends nothing for so long is closed. The answer to its handshake has the same
   * value as the limit for the gateway's silence.
   */
  readonly pingTimeoutMs: number
}

/** The intervals of the stock server in the time of protocol 1. */
export const stockHeartbeat: HeartbeatOptions = { pingIntervalMs: 8_000, probeGapMs: 1_000, pingTimeoutMs: 20_000 }

/** The text message that is the ping of protocol 1 or 2, or a ping frame of WebSocket. */
export type Ping = '#1' | '' | 'control'

/** The handshake of the JavaScript clients, and of clients written after them. */
const javaScriptHandshake = /^\{"event":"#handshake","data":\{"authToken":(?:null|"[^"\\]*")\},"cid":\d+\}$/

/**
 * Decides when to ping a client, and with which ping. Before its first pong a client does not
 * reveal whether it uses protocol 1 or 2. A client of either ignores the ping of the other. So it
 * is sent both, `#1` first, and then only the one that it answers.
 *
 * The Python and Java clients have no ping timer, and the oldest fail on an empty message. If the
 * handshake is not that of a JavaScript client, the client gets the pings of RFC 6455 §5.5.2, which
 * every WebSocket library answers.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #kind: Ping | 'probing'
  #nextAt: number
  #receivedAt: number
  /** Whether the ping of protocol 1 was the last one. */
  #probed = false

  /** `protocol`: from the client's URL. Undefined: not given. */
  constructor(options: HeartbeatOptions, protocol: 1 | 2 | undefined, now = performance.now()) {
    this.#options = options
    this.#kind = protocol === undefined ? 'control' : pingOf(protocol)
    this.#nextAt = now + options.pingIntervalMs
    this.#receivedAt = now
  }

  /** `text`: of the client's handshake. Undefined: it came in a batch of packets. */
  handshakeReceived(text: string | undefined): void {
    if (this.#kind === 'control' && text !== undefined && javaScriptHandshake.test(text)) this.#kind = 'probing'
  }

  /** The client has sent anything. */
  received(now = performance.now()): void {
    this.#receivedAt = now
  }

  /** The client has answered the ping of this protocol. */
  answered(protocol: 1 | 2): void {
    this.#kind = pingOf(protocol)
  }

  isSilent(now: number): boolean {
    return now - this.#receivedAt > this.#options.pingTimeoutMs
  }

  /** Undefined: no ping is due. */
  due(now: number): Ping | undefined {
    if (now < this.#nextAt) return undefined
    const { pingIntervalMs, probeGapMs } = this.#options
    if (this.#kind !== 'probing') {
      this.#nextAt = now + pingIntervalMs
      this.#probed = false
      return this.#kind
    }
    this.#nextAt = now + (this.#probed ? pingIntervalMs - probeGapMs : probeGapMs)
    this.#probed = !this.#probed
    return this.#probed ? '#1' : ''
  }
}

function pingOf(protocol: 1 | 2): Ping {
  return protocol === 1 ? '#1' : ''
}

/** `?protocolVersion=1` or `2`. */
export function protocolIn(request: IncomingMessage): 1 | 2 | undefined {
  const version = /[?&]protocolVersion=([12])(?:&|$)/.exec(request.url ?? '')?.[1]
  if (version === undefined) return undefined
  return version === '1' ? 1 : 2
}
