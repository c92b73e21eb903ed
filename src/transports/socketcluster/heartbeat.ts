import type { IncomingMessage } from 'node:http'

export interface HeartbeatOptions {
  readonly pingIntervalMs: number
  /** How long a client has for the ping of one protocol before that of the other is tried. */
  readonly probeGapMs: number
  /**
   * How long a peer may say nothing; the clients' own limit is told them in the handshake, and is
   * the same.
   */
  readonly pingTimeoutMs: number
}

/** As the stock server had them in the days of protocol 1; its time-out is longer now. */
export const stockHeartbeat: HeartbeatOptions = { pingIntervalMs: 8_000, probeGapMs: 1_000, pingTimeoutMs: 20_000 }

/** A text frame of protocol 1 or 2, or a ping of WebSocket itself. */
export type Ping = '#1' | '' | 'control'

/** What the JavaScript clients send, letter by letter, and those that were written after them. */
const javaScriptHandshake = /^\{"event":"#handshake","data":\{"authToken":(?:null|"[^"\\]*")\},"cid":\d+\}$/

/**
 * When to ping a client, and how. Nothing that a client says before its first pong tells protocol 1
 * from 2, and each takes the other's ping for a text of no meaning: so both are sent, `#1` first,
 * and the one that is answered is kept. Clients in Python and Java have no ping timer, and the
 * oldest fall over an empty frame: a handshake in another shape than JavaScript's gets the pings of
 * RFC 6455 §5.5.2, which every WebSocket library answers by itself.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions
  #kind: Ping | 'probing'
  #nextAt: number
  #heardAt: number
  #probed = false

  /** `protocol`: where the client said it in its URL. */
  constructor(options: HeartbeatOptions, protocol: 1 | 2 | undefined, now = performance.now()) {
    this.#options = options
    this.#kind = protocol === undefined ? 'control' : pingOf(protocol)
    this.#nextAt = now + options.pingIntervalMs
    this.#heardAt = now
  }

  /** The text of the client's handshake. */
  shaken(text: string | undefined): void {
    if (this.#kind === 'control' && text !== undefined && javaScriptHandshake.test(text)) this.#kind = 'probing'
  }

  /** Any sign of life. */
  heard(now = performance.now()): void {
    this.#heardAt = now
  }

  answered(protocol: 1 | 2): void {
    this.#kind = pingOf(protocol)
  }

  isSilent(now: number): boolean {
    return now - this.#heardAt > this.#options.pingTimeoutMs
  }

  /** What is due by now. */
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
