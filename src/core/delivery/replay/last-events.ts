import { badInput } from '../../../errors.ts'
import { type Cursor, isOlder } from '../../model/cursor.ts'

/** The most events of the past that a subscription may begin with. */
export const maxLastEvents = 1_000
/** Of the argument `last`, for every schema that has it. */
export const lastDescription = `Begin with so many of the last events, at most ${maxLastEvents}, each once. If there are fewer because retention removed them, a gap with the reason RETENTION comes first. Not together with \`after\`.`
/** How far before the hot window a search reads the journal in its two attempts, in offsets. */
const reaches = [20_000, 200_000] as const

/**
 * Checks the argument `last` of a subscription. Returns undefined for none and for 0, which begins
 * at the live end. Throws `BAD_USER_INPUT` for `field`.
 */
export function lastEventsOf(last: unknown, after: unknown, field = 'last'): number | undefined {
  if (last === undefined || last === null) return undefined
  if (typeof last !== 'number' || !Number.isInteger(last) || last < 0 || last > maxLastEvents)
    throw badInput(field, `expected a whole number from 0 to ${maxLastEvents}`)
  if (after !== undefined && after !== null)
    throw badInput(field, 'expected last or after, got both: a client that resumes gives after alone')
  return last === 0 ? undefined : last
}

/** What a search knows about the history before the first entry that it has read. */
type Before =
  /** No older history exists: that entry is the first of the journal. */
  | 'nothing'
  /** Retention has removed it. */
  | 'removed'
  /** There may be some. */
  | 'unread'

/** What follows when a search has read up to the live end. */
export type SearchResult =
  /** The subscription resumes at this position. Undefined: it begins at the live end. */
  | { readonly kind: 'found'; readonly position: Cursor | undefined }
  /** It resumes after a gap at this position. `isOldest`: no entry of the journal is older. */
  | { readonly kind: 'gap'; readonly position: Cursor; readonly isOldest: boolean }
  /** It reads the journal, from further back. */
  | { readonly kind: 'further' }

/**
 * The search for the place where the last events of a subscription begin. `CatchUp` moves the
 * subscription through the hot window, and if that has too few events, through the journal before
 * it. Only positions are kept, so the memory does not depend on the size of the events: once the
 * place is found, the subscription resumes there like any other.
 */
export class LastEventsSearch {
  readonly count: number
  /** Of the newest events that it has met, oldest first. */
  #positions: Cursor[] = []
  #begin: Cursor | undefined
  #before: Before = 'unread'
  #from: number | undefined
  #attempts = 0

  constructor(count: number) {
    this.count = count
  }

  /** The offset at which it begins to read. Undefined: where the hot window begins. */
  get from(): number | undefined {
    return this.#from
  }

  /**
   * It begins to read with the entry after `begin`, and forgets what it has met before. `isOldest`:
   * no entry of the journal is older.
   */
  beginAfter(begin: Cursor, isOldest: boolean): void {
    this.#positions = []
    this.#begin = begin
    if (begin.offset === 0) this.#before = 'nothing'
    else this.#before = isOldest ? 'removed' : 'unread'
  }

  /** The position of the next event of its topic. */
  add(cursor: Cursor): void {
    this.#positions.push(cursor)
    if (this.#positions.length > this.count) this.#positions.shift()
  }

  /**
   * `origin`: the place before which nothing is for the channel's owner. `windowFirst`: the first
   * offset of the hot window.
   */
  conclude(origin: Cursor | undefined, windowFirst: number): SearchResult {
    const begin = this.#begin
    if (!begin) return { kind: 'further' }
    const own = origin ? this.#positions.filter((cursor) => !isOlder(cursor, origin)) : this.#positions
    const [first] = own
    const hasAll = own.length === this.count || (origin !== undefined && isOlder(begin, origin))
    if (hasAll || this.#before === 'nothing') return { kind: 'found', position: first && { ...first, before: true } }
    if (this.#before === 'removed') return { kind: 'gap', position: begin, isOldest: true }
    const reach = reaches[this.#attempts]
    if (reach === undefined) return { kind: 'gap', position: begin, isOldest: false }
    this.#attempts += 1
    this.#from = Math.max(0, windowFirst - reach)
    return { kind: 'further' }
  }
}
