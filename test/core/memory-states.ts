import type {
  StateFold,
  StateHead,
  StateLease,
  StatePage,
  StatePageRequest,
  StateRow,
  StateStore,
} from '../../src/core/state/state-store.ts'

interface MemoryState {
  fence: number
  head: StateHead
  /** By key, with when it was folded. */
  rows: Map<string, { readonly row: StateRow; readonly foldedAt: number }>
}

/** Rows that one turn of the event loop may fold or delete. */
const rowsAtOnce = 500
const begun = { place: undefined, built: false, full: false, keys: 0, removed: 0, bytes: 0, forgottenUpTo: -1 }

/** Keyed states in memory: what the databases are compared with. */
export class MemoryStates implements StateStore {
  readonly states = new Map<string, MemoryState>()
  /** Rows of states that began again. */
  #garbage = 0

  async lease({ id, holder, now, until }: Parameters<StateStore['lease']>[0]): Promise<StateLease | undefined> {
    let state = this.states.get(id)
    if (!state) {
      state = { fence: 0, head: { ...begun, epoch: '', holder: '', heldUntil: 0 }, rows: new Map() }
      this.states.set(id, state)
    }
    const { head } = state
    const isFree = head.heldUntil <= now
    if (!isFree && head.holder !== holder) return undefined
    if (isFree) state.fence += 1
    state.head = { ...head, holder, heldUntil: until }
    return { fence: state.fence, head: state.head }
  }

  async release(id: string, fence: number): Promise<void> {
    const state = this.#stateOf(id, fence)
    if (state) state.head = { ...state.head, heldUntil: 0 }
  }

  async reset(id: string, fence: number, epoch: string): Promise<StateHead | undefined> {
    const state = this.#stateOf(id, fence)
    if (!state) return undefined
    this.#garbage += state.rows.size
    state.rows = new Map()
    state.head = { ...state.head, ...begun, epoch }
    return state.head
  }

  async fold({
    id,
    fence,
    place,
    rows,
    built,
    full,
    missingUpTo,
    now,
    until,
  }: StateFold): Promise<StateHead | undefined> {
    for (let folded = rowsAtOnce; folded < rows.length; folded += rowsAtOnce)
      await new Promise<void>((resolve) => setImmediate(resolve))
    const state = this.#stateOf(id, fence)
    if (!state) return undefined
    for (const row of rows) state.rows.set(row.key, { row, foldedAt: now })
    const forgottenUpTo = Math.max(state.head.forgottenUpTo, missingUpTo)
    state.head = { ...state.head, ...this.#sizeOf(state), place, built, full, forgottenUpTo, heldUntil: until }
    return state.head
  }

  async forget({ id, fence, foldedBefore, all }: Parameters<StateStore['forget']>[0]): Promise<number> {
    const state = this.#stateOf(id, fence)
    if (!state) return 0
    const old = [...state.rows.values()]
      .filter(({ row, foldedAt }) => foldedAt < foldedBefore && (all || row.removed))
      .toSorted((one, other) => one.row.message.offset - other.row.message.offset)
      .slice(0, rowsAtOnce)
    for (const { row } of old) state.rows.delete(row.key)
    const forgottenUpTo = Math.max(state.head.forgottenUpTo, ...old.map(({ row }) => row.message.offset))
    state.head = { ...state.head, ...this.#sizeOf(state), forgottenUpTo }
    return old.length
  }

  async sweep(): Promise<number> {
    const swept = Math.min(this.#garbage, rowsAtOnce)
    this.#garbage -= swept
    return swept
  }

  async head(id: string): Promise<StateHead | undefined> {
    return this.states.get(id)?.head
  }

  async page({ id, indexes, after, maxRows }: StatePageRequest): Promise<StatePage | undefined> {
    const state = this.states.get(id)
    if (!state) return undefined
    const rows = [...state.rows.values()]
      .map(({ row }) => row)
      .filter(({ message }) => message.offset > after)
      .filter(({ index }) => indexes === undefined || index === '' || indexes.includes(index))
      .toSorted((one, other) => one.message.offset - other.message.offset)
    return { head: state.head, rows: rows.slice(0, maxRows) }
  }

  async close(): Promise<void> {}

  /** Undefined: the lease is lost. */
  #stateOf(id: string, fence: number): MemoryState | undefined {
    const state = this.states.get(id)
    return state?.fence === fence ? state : undefined
  }

  #sizeOf({ rows }: MemoryState): Pick<StateHead, 'keys' | 'removed' | 'bytes'> {
    const all = [...rows.values()].map(({ row }) => row)
    return {
      keys: all.length,
      removed: all.filter(({ removed }) => removed).length,
      bytes: all.reduce((sum, { message }) => sum + message.body.length, 0),
    }
  }
}
