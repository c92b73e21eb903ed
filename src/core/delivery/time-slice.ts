/** How long work may hold up the event loop before other work gets its turn, in milliseconds. */
const sliceMs = 20

/**
 * A share of the event loop's time. Reading a body may take as long as a thousand others: counting
 * messages is not enough.
 */
export class TimeSlice {
  readonly #startedAt = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#startedAt >= sliceMs
  }
}
