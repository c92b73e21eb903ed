/** How long work may block the event loop before it yields, in milliseconds. */
const sliceMs = 20

/**
 * A bounded share of the event loop's time. Counting messages is not enough, because decoding one
 * body may take as long as a thousand others.
 */
export class TimeSlice {
  readonly #startedAt = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#startedAt >= sliceMs
  }
}
