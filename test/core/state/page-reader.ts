import { expect } from '@jest/globals'
import { type Cursor, printCursor } from '../../../src/core/model/cursor.ts'
import { readState } from '../../../src/core/state/read-state.ts'
import { GatewayError } from '../../../src/errors.ts'
import { foldOf } from './state-client.ts'
import type { StateWorld } from './state-world.ts'

/** A client that reads the state page by page, while it changes. */
export class PageReader {
  readonly owner: string | undefined
  readonly map = new Map<string, number>()
  /** Where the first page was read. */
  cursor: Cursor | undefined
  isDone = false
  pages = 0
  failure: unknown
  readonly #world: StateWorld
  readonly #topic: ReturnType<StateWorld['topicOf']>
  #after: string | undefined
  #isReading = false

  constructor(world: StateWorld, owner: string | undefined) {
    this.#world = world
    this.owner = owner
    this.#topic = world.topicOf(owner)
  }

  /** Reads the next page. Leaves no call open that a fake clock would hold. */
  read(first: number): void {
    if (this.#isReading || this.isDone) return
    this.#isReading = true
    readState(this.#world.gateway, { topic: this.#topic, after: this.#after, first, reserve: () => true })
      .then(
        ({ events, cursor, endCursor }) => {
          this.cursor ??= cursor
          if (printCursor(cursor) !== printCursor(this.cursor)) throw new Error('the cursor differs between pages')
          if (events.length > first) throw new Error(`expected at most ${first} events, got ${events.length}`)
          for (const { message } of events) {
            const { id, value } = JSON.parse(message.body.toString()) as { id: string; value: number }
            this.map.set(id, value)
          }
          this.pages += 1
          this.#after = endCursor
          this.isDone = endCursor === undefined
          if (this.isDone) this.#verify(cursor)
        },
        (error: unknown) => {
          // The database was away for longer than a query waits: the same page again.
          if (!(error instanceof GatewayError && error.code === 'STATE_UNAVAILABLE')) throw error
        },
      )
      .catch((error: unknown) => {
        this.failure = error
      })
      .finally(() => {
        this.#isReading = false
      })
  }

  /** What did not change since the first page is there, with its value. */
  #verify({ offset }: Cursor): void {
    const changed = new Set(this.#world.log.filter((change) => change.offset > offset).map(({ id }) => id))
    const begun = foldOf(this.#world.log, this.owner, offset)
    for (const id of changed) begun.delete(id)
    expect(new Map([...this.map].filter(([id]) => !changed.has(id)))).toEqual(begun)
  }
}
