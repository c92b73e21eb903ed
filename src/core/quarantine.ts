import { randomUUID } from 'node:crypto'
import { UndecodableBody } from './body.ts'
import { BoundedSet } from './bounded-set.ts'
import type { Broker } from './broker.ts'
import type { Journal, PoisonClaim } from './journal.ts'
import type { JournalMessage } from './message.ts'
import type { Observer, QuarantineReason } from './observer.ts'

/** How many offsets are remembered, so that poison met again (by a resume, say) is not put away twice. */
const maxRemembered = 10_000

interface Poison {
  readonly message: JournalMessage
  readonly reason: QuarantineReason
  readonly text: string
}

/**
 * Where poison goes: what cannot be turned into an event, with all its properties and the reason in `x-warren-reason`. It never reaches
 * a client and never stops the tail. Every replica may meet it; each writes a claim into the journal, and the one whose claim comes
 * first there puts it away: once for all of them.
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

  /** Whether this replica has found the message at this offset to be poison, and need not read it again to put it away. */
  hasJudged(offset: number): boolean {
    return this.#judged.has(offset) && this.#met.has(offset)
  }

  /** The journal began a new life: its offsets name other messages. */
  clear(): void {
    this.#judged.clear()
    this.#met.clear()
  }

  put(message: JournalMessage, error: unknown): void {
    const { offset } = message
    this.#judged.add(offset)
    if (this.#met.has(offset)) return
    const reason = error instanceof UndecodableBody ? error.reason : 'broken-json'
    this.#remember(offset, {
      message: message.alone?.() ?? message,
      reason,
      text: error instanceof Error ? error.message : String(error),
    })
    this.#journal.mark({ kind: 'poison', offset, claim: this.#replica }).catch(() => {
      // The broker is away. Whoever meets it next claims it again.
      if (this.#met.get(offset)) this.#met.delete(offset)
    })
  }

  /** A claim came by in the log; the first for an offset counts. */
  claimed({ offset, claim }: PoisonClaim): void {
    const poison = this.#met.get(offset)
    if (this.#met.has(offset) && !poison) return
    this.#remember(offset, undefined)
    if (poison && claim === this.#replica) this.#putAway(poison)
  }

  #remember(offset: number, poison: Poison | undefined): void {
    this.#met.set(offset, poison)
    for (const oldest of this.#met.keys()) {
      if (this.#met.size <= maxRemembered) break
      this.#met.delete(oldest)
    }
  }

  #putAway({ message, reason, text }: Poison): void {
    const { exchange, routingKey, offset, body, properties } = message
    this.#observer.messageQuarantined(reason)
    this.#observer.log('warn', `a message went to the quarantine: ${text}`, { exchange, routingKey, offset })
    // A foreign user id would be refused (https://www.rabbitmq.com/docs/validated-user-id), and what expires would be gone unseen: headers keep both.
    const { userId, expiration, ...kept } = properties
    const headers = {
      ...kept.headers,
      ...(userId === undefined ? {} : { 'x-warren-user-id': userId }),
      ...(expiration === undefined ? {} : { 'x-warren-expiration': expiration }),
      'x-warren-reason': reason,
      'x-warren-exchange': exchange,
      'x-warren-routing-key': routingKey,
      'x-warren-offset': offset,
      'x-warren-received-at': new Date(message.receivedAt).toISOString(),
    }
    this.#broker
      .publish({ exchange: this.#exchange, routingKey, body, properties: { ...kept, headers } })
      .catch((failure: unknown) => {
        this.#met.delete(offset)
        const why = failure instanceof Error ? failure.message : String(failure)
        this.#observer.log('error', `the quarantine could not take a message: ${why}`, { exchange, routingKey, offset })
      })
  }
}
