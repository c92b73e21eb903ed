import { networkOf } from '../../core/limits/network-address.ts'
import { setIntervalAfterIo } from './interval-after-io.ts'

/**
 * What a piece of a message costs in addition to its bytes. Each piece is an object until the
 * message is complete: sixteen thousand pieces of one byte cost as much as megabytes.
 */
export const pieceBytes = 256
/** How long a message of an unauthenticated client may take, in milliseconds. */
const unauthenticatedMs = 5_000
const maxTickMs = 1_000

/** The receiving end of a socket. */
export interface Receiver {
  readonly address: string
  /** Whether the client has authenticated. */
  readonly isKnown: boolean
  /** The gateway has stopped reading from the socket. This time does not count. */
  readonly isPaused: boolean
  /**
   * Called once when the message is refused. It was not complete within `afterMs` milliseconds, or
   * the sockets of its address hold too much.
   */
  refuseUnfinished(why: UnfinishedRefusal): void
}

export type UnfinishedRefusal =
  | { readonly kind: 'late'; readonly afterMs: number }
  | { readonly kind: 'too-much'; readonly maxBytes: number }

interface Held {
  bytes: number
  /** The number of the message on its socket. */
  message: number
  since: number
  readonly network: string
}

export interface UnfinishedMessagesOptions {
  /** Limit for all sockets of one address. Read at each check, so that it can change. */
  readonly limits: { readonly maxUnfinishedBytes: number }
  /** How long a client may take to authenticate, in milliseconds. */
  readonly authTimeoutMs: number
  /** How long a message of an authenticated client may take, in milliseconds. */
  readonly requestTimeoutMs: number
}

/**
 * Messages on all sockets that have begun and are not complete. Their bytes count for the address,
 * and they have a time limit.
 */
export class UnfinishedMessages {
  readonly #limits: UnfinishedMessagesOptions['limits']
  readonly #unauthenticatedMs: number
  readonly #authenticatedMs: number
  readonly #held = new Map<Receiver, Held>()
  readonly #bytesByNetwork = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor({ limits, authTimeoutMs, requestTimeoutMs }: UnfinishedMessagesOptions) {
    this.#limits = limits
    this.#authenticatedMs = requestTimeoutMs
    this.#unauthenticatedMs = Math.min(unauthenticatedMs, authTimeoutMs, requestTimeoutMs)
  }

  /** Unfinished bytes of the network that this address belongs to. */
  bytesOf(address: string): number {
    return this.#bytesByNetwork.get(networkOf(address)) ?? 0
  }

  /**
   * Sets how many bytes of a receiver's unfinished message are held. 0: there is no unfinished
   * message, or the socket is closed. `message`: how many messages came before it, so that each has
   * its own time limit.
   */
  hold(receiver: Receiver, bytes: number, message = 0): void {
    let held = this.#held.get(receiver)
    if (bytes === 0) {
      if (held) this.#forget(receiver, held)
      return
    }
    if (!held) {
      held = { bytes: 0, message, since: performance.now(), network: networkOf(receiver.address) }
      this.#held.set(receiver, held)
      this.#timer ??= this.#startTimer()
    }
    if (held.message !== message) {
      held.message = message
      held.since = performance.now()
    }
    const sum = (this.#bytesByNetwork.get(held.network) ?? 0) + bytes - held.bytes
    this.#bytesByNetwork.set(held.network, sum)
    const grows = bytes > held.bytes
    held.bytes = bytes
    const { maxUnfinishedBytes } = this.#limits
    if (!grows || sum <= maxUnfinishedBytes) return
    this.#forget(receiver, held)
    receiver.refuseUnfinished({ kind: 'too-much', maxBytes: maxUnfinishedBytes })
  }

  #forget(receiver: Receiver, { network, bytes }: Held): void {
    this.#held.delete(receiver)
    const left = (this.#bytesByNetwork.get(network) ?? 0) - bytes
    if (left > 0) this.#bytesByNetwork.set(network, left)
    else this.#bytesByNetwork.delete(network)
    if (this.#held.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #startTimer(): NodeJS.Timeout {
    const tickMs = Math.min(maxTickMs, Math.max(10, this.#unauthenticatedMs / 4))
    let checkedAt = performance.now()
    return setIntervalAfterIo(tickMs, () => {
      const now = performance.now()
      const sinceCheckMs = now - checkedAt
      checkedAt = now
      for (const [receiver, held] of this.#held) {
        // Not the whole time: a client can cause pauses again and again.
        if (receiver.isPaused) held.since = Math.min(now, held.since + sinceCheckMs)
        const afterMs = receiver.isKnown ? this.#authenticatedMs : this.#unauthenticatedMs
        if (now - held.since < afterMs) continue
        this.#forget(receiver, held)
        receiver.refuseUnfinished({ kind: 'late', afterMs })
      }
    })
  }
}
