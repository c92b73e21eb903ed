import { randomUUID } from 'node:crypto'
import { GatewayError } from '../../errors.ts'
import type { QuarantineReason } from '../accounting/labels.ts'
import { UndecodableBody } from '../body/decode-body.ts'
import { BoundedSet } from '../limits/bounded-set.ts'
import { errorText } from '../model/error-text.ts'
import type { Broker } from '../ports/broker.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import type { Journal, PoisonClaim } from '../ports/journal.ts'
import type { Observer } from '../ports/observer.ts'
import { pause } from '../timing/pause.ts'
import { copiesOf } from './quarantine-copy.ts'

/**
 * How many offsets are remembered. A poison message that a resume reads again is then not
 * quarantined twice.
 */
const maxRemembered = 10_000
/**
 * How many bytes may wait for the broker. Past it the oldest message is given up; it is still in
 * the journal.
 */
const maxWaitingBytes = 64 * 1024 * 1024
/** Pause before the next attempt, in milliseconds. It doubles up to the cap. */
const retryMs = { first: 500, cap: 15_000 }

/** Why a message goes to the quarantine. */
export interface QuarantineCause {
  readonly reason: QuarantineReason
  /** One sentence for the log. */
  readonly text: string
  /** Further headers of the copy. */
  readonly headers?: Readonly<Record<string, string>>
}

/** The cause if a body could not be decoded. */
export function causeOf(error: unknown): QuarantineCause {
  return { reason: error instanceof UndecodableBody ? error.reason : 'broken-json', text: errorText(error) }
}

export interface QuarantineParts {
  readonly journal: Journal
  readonly broker: Broker
  readonly observer: Observer
  /** The exchange that takes the copies. */
  readonly exchange: string
  /** The kind of its claims. */
  readonly kind: PoisonClaim['kind']
}

interface Poison {
  readonly message: WindowEntry
  readonly cause: QuarantineCause
}

/**
 * Stores poison: messages that cannot be turned into an event. A copy keeps all properties and has
 * the reason in `x-warren-reason`. Poison never reaches a client and never stops the tail.
 *
 * Every replica may find the same poison. Each writes a claim into the journal, and the replica
 * with the first claim publishes the copy. So there is one copy for all replicas. Claims and copies
 * are retried while the broker refuses them.
 */
export class Quarantine {
  readonly #parts: QuarantineParts
  readonly #replica = randomUUID()
  /** Poison by offset. Undefined: the first claim for this offset has been read. */
  readonly #poison = new Map<number, Poison | undefined>()
  readonly #foundHere = new BoundedSet<number>(maxRemembered)
  /** Poison without a copy in the quarantine: unclaimed, or claimed by this replica. */
  readonly #waiting = new Map<number, Poison>()
  #waitingBytes = 0
  readonly #closing = new AbortController()

  constructor(parts: QuarantineParts) {
    this.#parts = parts
  }

  /**
   * Whether the message at this offset is poison. False also for one that is no longer remembered.
   */
  isPoison(offset: number): boolean {
    return this.#poison.has(offset)
  }

  /**
   * Whether this replica itself found this poison. It need not decode the message again to
   * quarantine it. False if only another replica's claim is known.
   */
  foundPoison(offset: number): boolean {
    return this.#foundHere.has(offset) && this.#poison.has(offset)
  }

  /** Called when a new epoch begins: offsets now name other messages. */
  clear(): void {
    this.#foundHere.clear()
    this.#poison.clear()
  }

  put(message: WindowEntry, cause: QuarantineCause): void {
    const { offset } = message
    this.#foundHere.add(offset)
    if (this.#poison.has(offset)) return
    const poison = { message: message.detach?.() ?? message, cause }
    this.#remember(offset, poison)
    this.#enqueue(poison)
    const isUnclaimed = (): boolean => this.#poison.get(offset) === poison && this.#waiting.has(offset)
    void this.#retry(isUnclaimed, () =>
      this.#parts.journal.mark({ kind: this.#parts.kind, offset, claim: this.#replica }),
    )
  }

  /** Handles a claim that the tail has read. The first claim for an offset counts. */
  onClaim({ offset, claim }: PoisonClaim): void {
    const poison = this.#poison.get(offset)
    if (this.#poison.has(offset) ? !poison : claim === this.#replica) return
    this.#remember(offset, undefined)
    if (!poison) return
    if (claim === this.#replica) void this.#publishCopy(poison)
    else this.#dequeue(offset)
  }

  /** Stops all retries. */
  close(): void {
    this.#closing.abort()
  }

  #remember(offset: number, poison: Poison | undefined): void {
    this.#poison.set(offset, poison)
    for (const oldest of this.#poison.keys()) {
      if (this.#poison.size <= maxRemembered) break
      this.#poison.delete(oldest)
    }
  }

  #enqueue(poison: Poison): void {
    this.#waiting.set(poison.message.offset, poison)
    this.#waitingBytes += weightOf(poison)
    for (const [offset, oldest] of this.#waiting) {
      if (this.#waitingBytes <= maxWaitingBytes || oldest === poison) break
      this.#dequeue(offset)
      this.#poison.delete(offset)
      this.#log(
        'error',
        'a message was not quarantined in time: too many wait for RabbitMQ, and it is left in the journal',
        oldest,
      )
    }
  }

  #dequeue(offset: number): void {
    const poison = this.#waiting.get(offset)
    if (!poison) return
    this.#waiting.delete(offset)
    this.#waitingBytes -= weightOf(poison)
  }

  async #publishCopy(poison: Poison): Promise<void> {
    const { message, cause } = poison
    const { offset } = message
    this.#parts.observer.messageQuarantined(cause.reason)
    this.#log('warn', `a message went to the quarantine: ${cause.text}`, poison)
    const copies = copiesOf(message, cause.reason, cause.headers)
    let copy = copies.next().value
    let failureLogged = false
    const publish = async (): Promise<void> => {
      while (copy) {
        try {
          await this.#parts.broker.publish({ ...copy, exchange: this.#parts.exchange })
          return
        } catch (error) {
          if (!isMessageFault(error)) throw error
          copy = copies.next().value
          if (!copy) throw error
        }
      }
    }
    await this.#retry(
      () => this.#waiting.has(offset),
      () =>
        publish().then(
          () => this.#dequeue(offset),
          (error: unknown) => {
            const failure = errorText(error)
            if (!copy)
              this.#log(
                'error',
                `the broker accepts no copy of a message for the quarantine, so it is only in the journal: ${failure}`,
                poison,
              )
            else if (!failureLogged)
              this.#log('error', `a message could not be quarantined yet, retrying: ${failure}`, poison)
            failureLogged = true
            if (!copy) this.#dequeue(offset)
            throw error
          },
        ),
    )
    if (failureLogged && copy && !this.#closing.signal.aborted)
      this.#log('info', 'the message was quarantined after retries', poison)
  }

  /** Retries `attempt` until it succeeds, while `wanted` returns true. Never rejects. */
  async #retry(wanted: () => boolean, attempt: () => Promise<void>): Promise<void> {
    for (let delayMs = retryMs.first; wanted() && !this.#closing.signal.aborted; ) {
      try {
        return await attempt()
      } catch {
        await pause(delayMs, this.#closing.signal, { ref: false })
        delayMs = Math.min(retryMs.cap, delayMs * 2)
      }
    }
  }

  #log(level: 'info' | 'warn' | 'error', text: string, { message }: Poison): void {
    const { exchange, routingKey, offset } = message
    this.#parts.observer.log(level, text, { exchange, routingKey, offset })
  }
}

function weightOf({ message }: Poison): number {
  return message.body.length + 1_024
}

/**
 * Whether a smaller copy may succeed: the fault is in the message, not in the exchange, its queue
 * or the broker.
 */
function isMessageFault(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  if (error.code === 'PAYLOAD_TOO_LARGE') return true
  return error.code === 'BAD_USER_INPUT' && error.field !== 'exchange' && error.field !== 'routingKey'
}
