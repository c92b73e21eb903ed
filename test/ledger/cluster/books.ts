import type { Received } from '../clients/transports.ts'
import type { JournalEntry } from './raw-journal.ts'

/** The four kinds of publishers of the ledger, two of them in two forms. */
export const bookKinds = [
  'clean channel, key',
  'clean channel, id',
  'shared channel',
  'publish, retried',
  'publish, once',
  'buffered, id',
  'buffered, no id',
] as const
export type BookKind = (typeof bookKinds)[number]

/** What may arrive twice: nothing, what is in the journal twice, or what has the flag. */
const repeats: Record<BookKind, 'never' | 'stored twice' | 'flagged'> = {
  'clean channel, key': 'never',
  // A back end that publishes again after an outage that no gateway noticed (docs/delivery.md,
  // Publishing).
  'clean channel, id': 'stored twice',
  'shared channel': 'never',
  'publish, retried': 'never',
  'publish, once': 'never',
  'buffered, id': 'never',
  'buffered, no id': 'flagged',
}

/** The numbers promised to one client and those it received, published one after another. */
export class Book {
  readonly client: string
  readonly kind: BookKind
  /** Numbers that RabbitMQ confirmed or that `publish` resolved, and when. */
  readonly accepted: number[] = []
  readonly acceptedAt: number[] = []
  /** The cursors that `publish` returned, as offsets, with the number. */
  readonly places: { readonly number: number; readonly offset: number }[] = []
  attempted = 0
  readonly gaps: string[] = []
  /** What was received, in order; one entry each. */
  readonly #offsets: number[] = []
  readonly #numbers: number[] = []
  readonly #attempts: number[] = []
  readonly #flagged: boolean[] = []

  constructor(client: string, kind: BookKind) {
    this.client = client
    this.kind = kind
  }

  accept(number: number): void {
    this.accepted.push(number)
    this.acceptedAt.push(Date.now())
  }

  receive(event: Received): void {
    if (event.kind === 'gap') this.gaps.push(event.reason)
    if (event.kind !== 'message') return
    this.#offsets.push(offsetOf(event.cursor))
    this.#numbers.push(event.data.number)
    this.#attempts.push(event.data.attempt ?? 1)
    this.#flagged.push(event.redelivered)
  }

  get received(): number {
    return this.#offsets.length
  }

  get lastOffset(): number {
    return this.#offsets.at(-1) ?? -1
  }

  /** Compares everything with the journal, which was read up to `end`. */
  settle(entries: readonly JournalEntry[], end: number): Settlement {
    const settlement = emptySettlement()
    const stored = new Map<number, JournalEntry[]>()
    const byOffset = new Map<number, JournalEntry>()
    for (const entry of entries) {
      byOffset.set(entry.offset, entry)
      const copies = stored.get(entry.number)
      if (copies) copies.push(entry)
      else stored.set(entry.number, [entry])
    }
    settlement.notStored = this.accepted.filter((number) => !stored.has(number))
    settlement.storedTwice = [...stored.values()].filter((copies) => copies.length > 1).length
    this.#checkReceived(byOffset, end, settlement)
    this.#checkCopies(stored, settlement)
    for (const { number, offset } of this.places) {
      if (byOffset.get(offset)?.number !== number) settlement.wrongPlace.push(number)
    }
    settlement.gaps = this.gaps.length
    return settlement
  }

  #checkReceived(byOffset: ReadonlyMap<number, JournalEntry>, end: number, settlement: Settlement): void {
    let last = -1
    for (const [index, offset] of this.#offsets.entries()) {
      const number = this.#numbers[index] ?? -1
      if (offset > end) continue
      if (offset <= last) settlement.misordered.push(number)
      if (byOffset.get(offset)?.number !== number) settlement.invented.push(number)
      last = Math.max(last, offset)
    }
  }

  #checkCopies(stored: ReadonlyMap<number, readonly JournalEntry[]>, settlement: Settlement): void {
    const seen = new Map<number, number>()
    const attempts = new Set<string>()
    for (const [index, number] of this.#numbers.entries()) {
      const count = (seen.get(number) ?? 0) + 1
      seen.set(number, count)
      const attempt = `${number}/${this.#attempts[index]}`
      const again = attempts.has(attempt)
      attempts.add(attempt)
      const allowed = repeats[this.kind]
      if (allowed === 'never' && count > 1) settlement.doubled.push(number)
      else if (allowed === 'stored twice' && count > 1) {
        if (count > (stored.get(number)?.length ?? 0)) settlement.doubled.push(number)
        else settlement.repeated += 1
      } else if (allowed === 'flagged' && again) {
        if (this.#flagged[index]) settlement.repeated += 1
        else settlement.doubled.push(number)
      }
    }
    for (const number of stored.keys()) if (!seen.has(number)) settlement.lost.push(number)
  }
}

export interface Settlement {
  /** Accepted, and not in the journal. */
  notStored: number[]
  /** In the journal, and never received. */
  lost: number[]
  /** Received again without permission. */
  doubled: number[]
  /** Received at or before the position of an earlier one. */
  misordered: number[]
  /** Received, but the journal has another message at that position. */
  invented: number[]
  /** `publish` returned a cursor with another message of the journal. */
  wrongPlace: number[]
  /** Gaps; nothing in these runs removes messages, so all of them are false. */
  gaps: number
  /** Received again as permitted. */
  repeated: number
  /** Numbers that are in the journal more than once. */
  storedTwice: number
}

function emptySettlement(): Settlement {
  return {
    notStored: [],
    lost: [],
    doubled: [],
    misordered: [],
    invented: [],
    wrongPlace: [],
    gaps: 0,
    repeated: 0,
    storedTwice: 0,
  }
}

/**
 * The offset in a cursor: eight bytes after its version and its epoch (`src/core/model/cursor.ts`).
 */
export function offsetOf(cursor: string): number {
  return Number(Buffer.from(cursor, 'base64url').readBigInt64BE(9))
}
