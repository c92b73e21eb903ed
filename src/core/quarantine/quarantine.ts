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
  readonly #poison = new Map<number, Poison | undefined>()
  readonly #foundHere = new BoundedSet<number>(maxRemembered)
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
  isPoison(offset: number): boolean {
    return this.#poison.has(offset)
  }

  /**
   * Whether this replica has found the message at this offset to be poison, and need not read it
   * again to put it away.
   */
  foundPoison(offset: number): boolean {
    return this.#foundHere.has(offset) && this.#poison.has(offset)
  }

  /** The journal began a new life: its offsets name other messages. */
  clear(): void {
    this.#foundHere.clear()
    this.#poison.clear()
  }

  put(message: WindowEntry, error: unknown): void {
    const { offset } = message
    this.#foundHere.add(offset)
    if (this.#poison.has(offset)) return
    const reason = error instanceof UndecodableBody ? error.reason : 'broken-json'
    const poison = {
      message: message.detach?.() ?? message,
      reason,
      text: errorText(error),
    }
    this.#remember(offset, poison)
    this.#enqueue(poison)
    const isUnclaimed = (): boolean => this.#poison.get(offset) === poison && this.#waiting.has(offset)
    void this.#retry(isUnclaimed, () => this.#journal.mark({ kind: 'poison', offset, claim: this.#replica }))
  }

  /** A claim came by in the log; the first for an offset counts. */
  onClaim({ offset, claim }: PoisonClaim): void {
    const poison = this.#poison.get(offset)
    if (this.#poison.has(offset) ? !poison : claim === this.#replica) return
    this.#remember(offset, undefined)
    if (!poison) return
    if (claim === this.#replica) void this.#publishCopy(poison)
    else this.#dequeue(offset)
  }

  /** Nothing is tried again. */
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
      this.#log('error', 'the quarantine could not take a message in time, which is left in the journal', oldest)
    }
  }

  #dequeue(offset: number): void {
    const poison = this.#waiting.get(offset)
    if (!poison) return
    this.#waiting.delete(offset)
    this.#waitingBytes -= weightOf(poison)
  }

  async #publishCopy(poison: Poison): Promise<void> {
    const { message, reason, text } = poison
    const { offset } = message
    this.#observer.messageQuarantined(reason)
    this.#log('warn', `a message went to the quarantine: ${text}`, poison)
    const copies = copiesOf(message, reason)
    let copy = copies.next().value
    let failureLogged = false
    const publish = async (): Promise<void> => {
      while (copy) {
        try {
          await this.#broker.publish({ ...copy, exchange: this.#exchange })
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
            const why = errorText(error)
            if (!copy) this.#log('error', `the quarantine can take no copy of a message: ${why}`, poison)
            else if (!failureLogged) this.#log('error', `the quarantine could not take a message yet: ${why}`, poison)
            failureLogged = true
            if (!copy) this.#dequeue(offset)
            throw error
          },
        ),
    )
    if (failureLogged && copy && !this.#closing.signal.aborted)
      this.#log('info', 'the quarantine has taken the message', poison)
  }

  /** Does it until it succeeds, for as long as it is wanted. Never rejects. */
  async #retry(wanted: () => boolean, attempt: () => Promise<void>): Promise<void> {
    for (let delayMs = retryMs.first; wanted() && !this.#closing.signal.aborted; ) {
      try {
        return await attempt()
      } catch {
        await pause(this.#closing.signal, delayMs)
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
function isMessageFault(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  if (error.code === 'PAYLOAD_TOO_LARGE') return true
  return error.code === 'BAD_USER_INPUT' && error.field !== 'exchange' && error.field !== 'routingKey'
}

function pause(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    timer.unref()
    signal.addEventListener('abort', done)
  })
}
