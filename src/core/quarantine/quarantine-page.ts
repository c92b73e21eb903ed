import { badInput } from '../../errors.ts'
import type { Message } from '../model/message.ts'
import { quarantineId } from './quarantined-message.ts'

export const quarantineOrders = ['oldest_first', 'newest_first'] as const
export type QuarantineOrder = (typeof quarantineOrders)[number]

/** Limits the memory of the messages that a page holds. */
export interface PageRoom {
  /** `isFirst`: the page is empty and takes this one at any size. False: no room. */
  take(message: Message, isFirst: boolean): boolean
  /** The page no longer holds a message that it took. */
  release(message: Message): void
}

/** A message of the quarantine, as much of it as is counted. */
export interface CountedCopy {
  readonly reason: string
  /** In milliseconds since the epoch. Undefined: its copy does not have it. */
  readonly receivedAt: number | undefined
}

/** When the gateway received a message of the quarantine, and its offset; 0 for what is unknown. */
export interface QuarantinePlace {
  readonly at: number
  readonly offset: number
}

/** Where a message is in the order: by time, then by offset, then by id. */
interface Rank extends QuarantinePlace {
  /** A hash of the body, computed only if the others are equal. */
  readonly id: () => string
}

/**
 * One page of the messages that a visit of the quarantine passes, in any order: a quorum queue
 * returns more than 32 visited messages in no order.
 */
export class QuarantinePageBuilder {
  readonly #first: number
  readonly #after: Rank | undefined
  readonly #sign: 1 | -1
  readonly #room: PageRoom
  /** In the order of the page. */
  readonly #taken: { readonly message: Message; readonly rank: Rank }[] = []
  readonly #counted: CountedCopy[] = []
  /** The first message that the page does not contain, of those behind it. */
  #end: Rank | undefined

  /** `after`: the cursor of the page before. Throws `BAD_USER_INPUT` if it is not one. */
  constructor(first: number, after: string | undefined, order: QuarantineOrder, room: PageRoom) {
    this.#first = first
    this.#after = after === undefined ? undefined : parseRank(after)
    this.#sign = order === 'oldest_first' ? 1 : -1
    this.#room = room
  }

  /** In the order of the page. */
  get messages(): readonly Message[] {
    return this.#taken.map(({ message }) => message)
  }

  /** The cursor of the last message. Undefined: the page is empty. */
  get endCursor(): string | undefined {
    const last = this.#taken.at(-1)
    return last && printRank(last.rank)
  }

  get hasMore(): boolean {
    return this.#end !== undefined
  }

  /** All messages that have passed. */
  get counted(): readonly CountedCopy[] {
    return this.#counted
  }

  pass(message: Message): void {
    this.#counted.push(countedCopy(message))
    const rank = rankOf(message)
    if (this.#after && this.#compare(rank, this.#after) <= 0) return
    if (this.#end && this.#compare(rank, this.#end) >= 0) return
    if (this.#taken.length === this.#first && !this.#dropLastFor(rank)) return
    while (!this.#room.take(message, this.#taken.length === 0)) if (!this.#dropLastFor(rank)) return
    const at = this.#taken.findIndex((one) => this.#compare(rank, one.rank) < 0)
    this.#taken.splice(at === -1 ? this.#taken.length : at, 0, { message, rank })
  }

  /** The last message makes room for one before it. False: the other one comes last. */
  #dropLastFor(rank: Rank): boolean {
    const last = this.#taken.at(-1)
    if (!last || this.#compare(rank, last.rank) >= 0) {
      this.#end = rank
      return false
    }
    this.#taken.pop()
    this.#room.release(last.message)
    this.#end = last.rank
    return true
  }

  #compare(a: Rank, b: Rank): number {
    return this.#sign * (byTime(a, b) || (a.id() < b.id() ? -1 : a.id() === b.id() ? 0 : 1))
  }
}

export function placeInQuarantine({ properties: { headers } }: Message): QuarantinePlace {
  const offset = headers?.['x-warren-offset']
  return { at: receivedAtOf(headers) ?? 0, offset: typeof offset === 'number' ? offset : 0 }
}

/** Oldest first. */
export function byTime(a: QuarantinePlace, b: QuarantinePlace): number {
  return a.at - b.at || a.offset - b.offset
}

function rankOf(message: Message): Rank {
  let id: string | undefined
  return {
    ...placeInQuarantine(message),
    id: () => {
      id ??= quarantineId(message)
      return id
    },
  }
}

function printRank({ at, offset, id }: Rank): string {
  return `${at}.${offset}.${id()}`
}

function parseRank(text: string): Rank {
  const [, at, offset, id = ''] = /^(-?\d+)\.(-?\d+)\.([0-9a-f]{10})$/.exec(text) ?? []
  if (at === undefined) throw badInput('after', `expected the endCursor of a page of the quarantine, got "${text}"`)
  return { at: Number(at), offset: Number(offset), id: () => id }
}

function countedCopy({ properties: { headers = {} } }: Message): CountedCopy {
  const reason = headers['x-warren-reason']
  return { reason: typeof reason === 'string' ? reason : 'unknown', receivedAt: receivedAtOf(headers) }
}

/** When the gateway received the message of a copy, in milliseconds since the epoch. */
export function receivedAtOf(headers: Readonly<Record<string, unknown>> | undefined): number | undefined {
  const value = headers?.['x-warren-received-at']
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(at) ? undefined : at
}
