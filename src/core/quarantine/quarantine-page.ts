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

/** One page of the messages that a visit of the quarantine passes, which come oldest first. */
export class QuarantinePageBuilder {
  readonly #first: number
  readonly #after: string | undefined
  readonly #order: QuarantineOrder
  readonly #room: PageRoom
  readonly #messages: Message[] = []
  readonly #counted: CountedCopy[] = []
  /** Oldest first: whether `after` has passed. Newest first: whether it has not. */
  #collects: boolean
  #foundAfter: boolean
  #hasMore = false

  /** `after`: the id of the last message of the page before. */
  constructor(first: number, after: string | undefined, order: QuarantineOrder, room: PageRoom) {
    this.#first = first
    this.#after = after
    this.#order = order
    this.#room = room
    this.#foundAfter = after === undefined
    this.#collects = order === 'newest_first' || after === undefined
  }

  /** In the order of the page. */
  get messages(): readonly Message[] {
    return this.#order === 'oldest_first' ? this.#messages : this.#messages.toReversed()
  }

  /** Whether the message that `after` names has passed. */
  get foundAfter(): boolean {
    return this.#foundAfter
  }

  get hasMore(): boolean {
    return this.#hasMore
  }

  /** All messages that have passed. */
  get counted(): readonly CountedCopy[] {
    return this.#counted
  }

  pass(message: Message): void {
    this.#counted.push(countedCopy(message))
    if (!this.#foundAfter && quarantineId(message) === this.#after) {
      this.#foundAfter = true
      this.#collects = this.#order === 'oldest_first'
    } else if (this.#collects) {
      if (this.#order === 'oldest_first') this.#append(message)
      else this.#appendNewer(message)
    }
  }

  #append(message: Message): void {
    if (this.#messages.length < this.#first && this.#room.take(message, this.#messages.length === 0))
      this.#messages.push(message)
    else {
      this.#hasMore = true
      this.#collects = false
    }
  }

  /** The oldest messages make room. */
  #appendNewer(message: Message): void {
    if (this.#messages.length === this.#first) this.#dropOldest()
    while (!this.#room.take(message, this.#messages.length === 0)) this.#dropOldest()
    this.#messages.push(message)
  }

  #dropOldest(): void {
    const oldest = this.#messages.shift()
    if (oldest) this.#room.release(oldest)
    this.#hasMore = true
  }
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
