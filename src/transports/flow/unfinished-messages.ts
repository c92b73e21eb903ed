import { networkOf } from '../../core/limits/network-address.ts'
import { setIntervalAfterIo } from './interval-after-io.ts'

/**
 * What a piece of a message weighs beside its bytes: each is an object of its own until the message
 * is whole, so that sixteen thousand of one byte weigh as much as megabytes.
 */
export const pieceBytes = 256
/** How long a message may take before its sender has said who it is, in milliseconds. */
const namelessMs = 5_000
const maxTickMs = 1_000

/** The receiving end of a socket. */
export interface Receiver {
  readonly address: string
  /** Whether it has said who it is. */
  readonly isKnown: boolean
  /** We read nothing from it: the time is not its own. */
  readonly isPaused: boolean
  /**
   * Its message is not taken: it is late by so many milliseconds, or its address holds too much.
   * Called once.
   */
  refuseUnfinished(why: UnfinishedRefusal): void
}

export type UnfinishedRefusal =
  | { readonly kind: 'late'; readonly afterMs: number }
  | { readonly kind: 'too-much'; readonly maxBytes: number }

interface Held {
  bytes: number
  /** Which message of its socket it is. */
  message: number
  since: number
  readonly network: string
}

export interface UnfinishedMessagesOptions {
  /** Over all sockets of one address; looked at each time. */
  readonly limits: { readonly maxUnfinishedBytes: number }
  /** How long a client may take to say who it is. */
  readonly authTimeoutMs: number
  /** How long a message may take from one that has said it. */
  readonly requestTimeoutMs: number
}

/**
 * Messages that have begun and not come to their end, on all sockets: their address pays for them,
 * and they end in time.
 */
export class UnfinishedMessages {
  readonly #limits: UnfinishedMessagesOptions['limits']
  readonly #namelessMs: number
  readonly #knownMs: number
  readonly #held = new Map<Receiver, Held>()
  readonly #ofNetwork = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor({ limits, authTimeoutMs, requestTimeoutMs }: UnfinishedMessagesOptions) {
    this.#limits = limits
    this.#knownMs = requestTimeoutMs
    this.#namelessMs = Math.min(namelessMs, authTimeoutMs, requestTimeoutMs)
  }

  /** Bytes that a network holds. */
  bytesOf(address: string): number {
    return this.#ofNetwork.get(networkOf(address)) ?? 0
  }

  /**
   * So much of a receiver's message is there, and not its end. 0: there is none, also where the
   * socket is gone. `message`: how many came before it, so that the time of each is its own.
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
      this.#timer ??= this.#look()
    }
    if (held.message !== message) {
      held.message = message
      held.since = performance.now()
    }
    const sum = (this.#ofNetwork.get(held.network) ?? 0) + bytes - held.bytes
    this.#ofNetwork.set(held.network, sum)
    const grows = bytes > held.bytes
    held.bytes = bytes
    const { maxUnfinishedBytes } = this.#limits
    if (!grows || sum <= maxUnfinishedBytes) return
    this.#forget(receiver, held)
    receiver.refuseUnfinished({ kind: 'too-much', maxBytes: maxUnfinishedBytes })
  }

  #forget(receiver: Receiver, { network, bytes }: Held): void {
    this.#held.delete(receiver)
    const left = (this.#ofNetwork.get(network) ?? 0) - bytes
    if (left > 0) this.#ofNetwork.set(network, left)
    else this.#ofNetwork.delete(network)
    if (this.#held.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): NodeJS.Timeout {
    const tickMs = Math.min(maxTickMs, Math.max(10, this.#namelessMs / 4))
    return setIntervalAfterIo(tickMs, () => {
      const now = performance.now()
      for (const [receiver, held] of this.#held) {
        if (receiver.isPaused) held.since = now
        const afterMs = receiver.isKnown ? this.#knownMs : this.#namelessMs
        if (now - held.since < afterMs) continue
        this.#forget(receiver, held)
        receiver.refuseUnfinished({ kind: 'late', afterMs })
      }
    })
  }
}
