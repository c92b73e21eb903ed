/** How `extensions.warren` marks a result of a field with `@state`. */
export interface StateMarks {
  /**
   * `SNAPSHOT`: the value of a key, and more follow. `SNAPSHOT_END`: the last one, or none if the
   * state is empty. `REBASED`: what changed since a cursor that the journal no longer has.
   * Undefined: a change.
   */
  readonly state: 'SNAPSHOT' | 'SNAPSHOT_END' | 'REBASED' | undefined
  /** The state begins here: with a gap, or with the first part of a snapshot. */
  readonly reset: boolean
  /** The key that was removed. */
  readonly removed: string | undefined
}

/** A value and its key. Undefined: the result has none, such as that of an empty state. */
export type KeyedEntry<Value> = { readonly key: string; readonly value: Value } | undefined

/**
 * The entries of keyed state. A later snapshot replaces them when it is complete, so that they are
 * never half of two states. A value that is equal to the one before keeps its identity.
 */
export class KeyedEntries<Value> {
  #entries = new Map<string, Value>()
  /** The snapshot that is being received. */
  #snapshot: Map<string, Value> | undefined
  #isComplete = false
  #current: ReadonlyMap<string, Value> | undefined

  /** Whether a whole snapshot was received. Until then, the entries are those received so far. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** A copy, the same one until `apply` returns true. */
  get current(): ReadonlyMap<string, Value> {
    this.#current ??= new Map(this.#isComplete ? this.#entries : this.#snapshot)
    return this.#current
  }

  /** Forgets a snapshot that was not received to its end. */
  begin(): void {
    this.#snapshot = undefined
    if (!this.#isComplete) this.#current = undefined
  }

  /** Whether the entries or `isComplete` changed. */
  apply(entry: KeyedEntry<Value>, { state, reset, removed }: StateMarks): boolean {
    const isPart = state === 'SNAPSHOT' || state === 'SNAPSHOT_END'
    if (reset || (isPart && !this.#snapshot)) this.#snapshot = new Map()
    // The connection was lost within a snapshot: what follows its last event arrives as changes.
    const isSettled = !isPart && !reset && this.#commit()
    const isChanged = this.#change(this.#snapshot ?? this.#entries, entry, removed)
    const isCompleted = state === 'SNAPSHOT_END' && this.#commit()
    const isVisible = isSettled || isCompleted || (isChanged && !(isPart && this.#isComplete))
    if (isVisible) this.#current = undefined
    return isVisible
  }

  #change(entries: Map<string, Value>, entry: KeyedEntry<Value>, removed: string | undefined): boolean {
    if (removed !== undefined) return entries.delete(removed)
    if (!entry) return false
    const { key, value } = entry
    const before = entries.get(key) ?? this.#entries.get(key)
    const isSame = before !== undefined && isEqual(before, value)
    if (isSame && entries.has(key)) return false
    entries.set(key, isSame ? before : value)
    return true
  }

  /** Whether the entries changed. */
  #commit(): boolean {
    const snapshot = this.#snapshot
    this.#snapshot = undefined
    if (!snapshot && this.#isComplete) return false
    const isSame = this.#isComplete && snapshot && hasSameValues(this.#entries, snapshot)
    if (snapshot) this.#entries = snapshot
    this.#isComplete = true
    return !isSame
  }
}

function hasSameValues<Value>(one: ReadonlyMap<string, Value>, other: ReadonlyMap<string, Value>): boolean {
  if (one.size !== other.size) return false
  for (const [key, value] of one) if (other.get(key) !== value || !other.has(key)) return false
  return true
}

/** Of two JSON values. */
function isEqual(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one) !== Array.isArray(other)) return false
  const [members, others] = [one as Record<string, unknown>, other as Record<string, unknown>]
  const names = Object.keys(members)
  return (
    names.length === Object.keys(others).length &&
    names.every((name) => name in others && isEqual(members[name], others[name]))
  )
}
