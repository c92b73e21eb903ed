import type { RunningFold } from './state-fold.ts'
import type { StateStore } from './state-store.ts'

/** How often old rows are forgotten, in milliseconds. */
const forgetMs = 60_000
/** How long removed keys are remembered without `keep`, in milliseconds. */
const defaultKeepMs = 30 * 86_400_000

/**
 * Deletes the rows of keyed states that have been kept long enough, and those that no state has any
 * more. A bounded number at a time, so that other writes come between.
 */
export class StateRetention {
  readonly #store: Pick<StateStore, 'forget' | 'sweep'>
  readonly #closing: AbortSignal
  #forgotAt = 0

  /** `closing`: aborts when it has to stop. */
  constructor(store: Pick<StateStore, 'forget' | 'sweep'>, closing: AbortSignal) {
    this.#store = store
    this.#closing = closing
  }

  /** Does nothing if the last time was less than a minute ago. `folds`: of this replica. */
  async forget(folds: readonly Pick<RunningFold, 'definition' | 'fence'>[]): Promise<void> {
    const now = Date.now()
    if (now - this.#forgotAt < forgetMs) return
    this.#forgotAt = now
    for (const { definition, fence } of folds) {
      const { id, keepMs } = definition
      const foldedBefore = now - (keepMs ?? defaultKeepMs)
      while (!this.#closing.aborted) {
        if ((await this.#store.forget({ id, fence, foldedBefore, all: keepMs !== undefined })) === 0) break
      }
    }
    while (!this.#closing.aborted && (await this.#store.sweep()) > 0) {
      // Until none is left.
    }
  }
}
