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
 * How many offsets are remembered, so that poison met again (by a resume, say) is not put away
 * twice.
 */
const maxRemembered = 10_000
/**
 * What may wait for the broker, in bytes; then the oldest is given up. It is still in the journal.
 */
const maxWaitingBytes = 64 * 1024 * 1024
/** Before it is tried again, in milliseconds; doubled each time up to the cap. */
const retryMs = { first: 500, cap: 15_000 }

interface Poison {
  readonly message: WindowEntry
  readonly reason: QuarantineReason
  readonly text: string
}

/**
 * Where poison goes: what cannot be turned into an event, with all its properties and the reason in
 * `x-warren-reason`. It never reaches a client and never stops the tail. Every replica may meet it;
 * each writes a claim into the journal, and the one whose claim comes first there puts it away:
 * once for all of them. While the broker takes neither, both are tried again.
 */
export class Quarantine {
  readonly #journal: Journal
  readonly #broker: Broker
  readonly #observer: Observer
  readonly #exchange: string
  readonly #replica = randomUUID()
  /** By offset: undefined once somebody's claim has been seen. */
  readonly #met = new Map<number, Poison | undefined>()
  readonly #judged = new BoundedSet<number>(maxRemembered)
  /** What is not in the quarantine yet: unclaimed, or claimed by this replica. */
  readonly #waiting = new Map<number, Poison>()
  #waitingBytes = 0
  readonly #closing = new AbortController()

  constructor(journal: Journal, broker: Broker, observer: Observer, exchange: string) {
    this.#journal = journal
    this.#broker = broker
    this.#observer = observer
    this.#exchange = exchange
  }

  /** Whether the message at this offset is poison, so far as is remembered. */
  met(offset: number): boolean {
    return this.#met.has(offset)
  }

  /**
   * Whether this replica has found the message at this offset to be poison, and need not read it
   * again to put it away.
   */
  hasJudged(offset: number): boolean {
    return this.#judged.has(offset) && this.#met.has(offset)
  }

  /** The journal began a new life: its offsets name other messages. */
  clear(): void {
    this.#judged.clear()
    this.#met.clear()
  }

  put(message: WindowEntry, error: unknown): void {
    const { offset } = message
    this.#judged.add(offset)
    if (this.#met.has(offset)) return
    const reason = error instanceof UndecodableBody ? error.reason : 'broken-json'
    const poison = {
      message: message.detach?.() ?? message,
      reason,
      text: errorText(error),
    }
    this.#remember(offset, poison)
    this.#wait(poison)
    const isUnclaimed = (): boolean => this.#met.get(offset) === poison && this.#waiting.has(offset)
    void this.#again(isUnclaimed, () => this.#journal.mark({ kind: 'poison', offset, claim: this.#replica }))
  }

  /** A claim came by in the log; the first for an offset counts. */
  claimed({ offset, claim }: PoisonClaim): void {
    const poison = this.#met.get(offset)
    if (this.#met.has(offset) ? !poison : claim === this.#replica) return
    this.#remember(offset, undefined)
    if (!poison) return
    if (claim === this.#replica) void this.#putAway(poison)
    else this.#settled(offset)
  }

  /** Nothing is tried again. */
  close(): void {
    this.#closing.abort()
  }

  #remember(offset: number, poison: Poison | undefined): void {
    this.#met.set(offset, poison)
    for (const oldest of this.#met.keys()) {
      if (this.#met.size <= maxRemembered) break
      this.#met.delete(oldest)
    }
  }

  #wait(poison: Poison): void {
    this.#waiting.set(poison.message.offset, poison)
    this.#waitingBytes += weightOf(poison)
    for (const [offset, oldest] of this.#waiting) {
      if (this.#waitingBytes <= maxWaitingBytes || oldest === poison) break
      this.#settled(offset)
      this.#met.delete(offset)
      this.#log('error', 'the quarantine could not take a message in time, which is left in the journal', oldest)
    }
  }

  #settled(offset: number): void {
    const poison = this.#waiting.get(offset)
    if (!poison) return
    this.#waiting.delete(offset)
    this.#waitingBytes -= weightOf(poison)
  }

  async #putAway(poison: Poison): Promise<void> {
    const { message, reason, text } = poison
    const { offset } = message
    this.#observer.messageQuarantined(reason)
    this.#log('warn', `a message went to the quarantine: ${text}`, poison)
    const copies = copiesOf(message, reason)
    let copy = copies.next().value
    let complained = false
    const publish = async (): Promise<void> => {
      while (copy) {
        try {
          await this.#broker.publish({ ...copy, exchange: this.#exchange })
          return
        } catch (error) {
          if (!isTheMessages(error)) throw error
          copy = copies.next().value
          if (!copy) throw error
        }
      }
    }
    await this.#again(
      () => this.#waiting.has(offset),
      () =>
        publish().then(
          () => this.#settled(offset),
          (error: unknown) => {
            const why = errorText(error)
            if (!copy) this.#log('error', `the quarantine can take no copy of a message: ${why}`, poison)
            else if (!complained) this.#log('error', `the quarantine could not take a message yet: ${why}`, poison)
            complained = true
            if (!copy) this.#settled(offset)
            throw error
          },
        ),
    )
    if (complained && copy && !this.#closing.signal.aborted)
      this.#log('info', 'the quarantine has taken the message', poison)
  }

  /** Does it until it succeeds, for as long as it is wanted. Never rejects. */
  async #again(wanted: () => boolean, attempt: () => Promise<void>): Promise<void> {
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
    this.#observer.log(level, text, { exchange, routingKey, offset })
  }
}

function weightOf({ message }: Poison): number {
  return message.body.length + 1_024
}

/**
 * Whether another copy of the message may fare better: what is wrong is not the exchange, its
 * queue, or the broker.
 */
function isTheMessages(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  if (error.code === 'PAYLOAD_TOO_LARGE') return true
  return error.code === 'BAD_USER_INPUT' && error.field !== 'exchange' && error.field !== 'routingKey'
}
