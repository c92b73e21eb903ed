/** One published message of an owner: its number is its place in the list, from 1 on. */
export interface KeyedChange {
  readonly key: string
  readonly removed: boolean
}

export type StatePhase = 'SNAPSHOT' | 'SNAPSHOT_END' | 'REBASED' | 'LIVE'

/** What a client of a field with keyed state met, in order. */
export type KeyedRecord =
  /** It connects. `attempted`: the numbers that were published by then. */
  | { readonly kind: 'begin'; readonly isFresh: boolean; readonly attempted: number }
  | {
      readonly kind: 'item'
      readonly phase: StatePhase
      readonly reset: boolean
      readonly key: string
      readonly removed: boolean
      readonly number: number
    }
  /** A state, or a difference, without items. */
  | { readonly kind: 'empty'; readonly phase: StatePhase; readonly reset: boolean }
  | { readonly kind: 'gap'; readonly reason: string }

export interface KeyedAccount {
  /** Published one after another, each after RabbitMQ had confirmed the one before. */
  readonly changes: readonly KeyedChange[]
  /** The numbers that retention deleted before they were folded. */
  readonly lost: ReadonlySet<number>
  readonly records: readonly KeyedRecord[]
  /** With `every`, only the newest change of a key comes. */
  readonly isPaced: boolean
}

export interface KeyedBalance {
  readonly problems: readonly string[]
  /** How often the map was compared with the fold of what was published. */
  readonly compared: number
  readonly snapshots: number
  readonly rebased: number
}

type Entries = ReadonlyMap<string, number>
type Item = Extract<KeyedRecord, { kind: 'item' }>

const storyRecords = 12
const noNumbers: ReadonlySet<number> = new Set()

/**
 * Replays what a client received into a map, as docs/guides/state.md describes, and compares the
 * map with the fold of what was published wherever the map is whole: at the end of a snapshot,
 * behind a difference, and at each live change.
 */
export function settleKeyed(account: KeyedAccount): KeyedBalance {
  const settlement = account.isPaced ? new PacedSettlement(account) : new KeyedSettlement(account)
  const problems: string[] = []
  for (const [index, record] of account.records.entries()) {
    settlement.read(record)
    for (const problem of settlement.problems.splice(0))
      problems.push(`${problem} (${storyTo(account.records, index)})`)
  }
  settlement.end()
  problems.push(...settlement.problems)
  const states = account.records.filter((record) => record.kind === 'item' || record.kind === 'empty')
  const { compared } = settlement
  return {
    problems,
    compared,
    snapshots: states.filter(({ phase }) => phase === 'SNAPSHOT_END').length,
    rebased: states.filter(({ phase }) => phase === 'REBASED').length,
  }
}

/** The last records up to one, for finding the cause of a failure. */
function storyTo(records: readonly KeyedRecord[], index: number): string {
  const told = records.slice(Math.max(0, index - storyRecords), index + 1).map((record) => {
    if (record.kind === 'begin') return `${record.isFresh ? 'subscribes' : 'resumes'} at ${record.attempted}`
    if (record.kind === 'gap') return `gap ${record.reason}`
    const what = record.kind === 'item' ? `${record.removed ? '-' : ''}${record.number}` : 'nothing'
    return `${record.phase === 'LIVE' ? '' : `${record.phase} `}${record.reset ? 'reset ' : ''}${what}`
  })
  return told.join(', ')
}

class KeyedSettlement {
  readonly problems: string[] = []
  compared = 0
  readonly #account: KeyedAccount
  readonly #map = new Map<string, number>()
  /** What the client had at its last whole map, of number `#baseAt`. */
  #base: Entries = new Map()
  #baseAt = 0
  /** Up to this number what came since the base came from the state, not from the journal. */
  #stateUpTo = 0
  /** Undefined: the map is whole. Otherwise it is behind this number. */
  #wholeBehind: number | undefined = Number.POSITIVE_INFINITY
  /** The next live number is one of these. Undefined: not known. */
  #next: ReadonlySet<number> | undefined
  #phase: StatePhase = 'LIVE'

  constructor(account: KeyedAccount) {
    this.#account = account
  }

  read(record: KeyedRecord): void {
    if (record.kind === 'gap') this.problems.push(`a gap of ${record.reason} after number ${this.#baseAt}`)
    else if (record.kind === 'begin') this.#begin(record)
    else {
      if (record.reset) this.#reset()
      if (record.kind === 'item') this.#apply(record)
      this.#phase = record.phase
      if (record.phase === 'LIVE') this.#live(record)
      else this.#state(record)
    }
  }

  end(): void {
    const last = this.#account.changes.length
    if (this.#wholeBehind === undefined && !this.#next?.has(last + 1))
      this.problems.push(`it ended at number ${this.#baseAt} of ${last}`)
    this.#compare(last, 'at the end')
  }

  #begin({ isFresh, attempted }: Extract<KeyedRecord, { kind: 'begin' }>): void {
    if (isFresh) this.#reset()
    // What follows its cursor comes, from the state or from the journal. Until all of it has come,
    // keys that changed before are missing.
    else if (this.#phase === 'SNAPSHOT' || this.#phase === 'REBASED') this.#wholeBehind = attempted
  }

  #reset(): void {
    this.#map.clear()
    this.#base = new Map()
    this.#baseAt = 0
    this.#stateUpTo = 0
    this.#next = undefined
    this.#wholeBehind = Number.POSITIVE_INFINITY
  }

  #apply({ key, number, removed }: Item): void {
    const change = this.#account.changes[number - 1]
    if (change?.key !== key || change.removed !== removed)
      this.problems.push(`number ${number} came as ${removed ? 'removal of' : ''} ${key}: it was never published so`)
    if (removed) this.#map.delete(key)
    else this.#map.set(key, number)
  }

  #state(record: Exclude<KeyedRecord, { kind: 'gap' | 'begin' }>): void {
    this.#next = undefined
    if (record.kind === 'item') this.#stateUpTo = Math.max(this.#stateUpTo, record.number)
    if (record.phase === 'SNAPSHOT_END') return this.#endSnapshot()
    this.#wholeBehind = Number.POSITIVE_INFINITY
    if (record.phase !== 'REBASED') return
    // It is whole where the next live change comes, on the same connection.
    this.#wholeBehind = -1
    const untold = [...this.#account.lost].find((number) => number > this.#baseAt && number <= this.#stateUpTo)
    if (this.#baseAt > 0 && untold !== undefined)
      this.problems.push(`a difference from number ${this.#baseAt} lacks number ${untold}, and was no whole state`)
  }

  /** Its place may be behind its newest item: removed keys are not in it. */
  #endSnapshot(): void {
    const { changes, lost } = this.#account
    const from = Math.max(this.#stateUpTo, ...this.#map.values())
    const state = new Map(this.#foldAt(from))
    const places: number[] = []
    for (let at = from; at <= changes.length; at += 1) {
      if (at > from) applyChange(state, changes, at, lost)
      if (isEqual(this.#map, state)) places.push(at)
    }
    this.compared += 1
    const [first] = places
    if (first === undefined)
      this.problems.push(`the snapshot is no fold of anything: ${difference(this.#map, this.#foldAt(from))}`)
    this.#becomeWhole(first ?? from)
    this.#next = first === undefined ? undefined : new Set(places.map((place) => place + 1))
  }

  #live(record: Exclude<KeyedRecord, { kind: 'gap' | 'begin' }>): void {
    if (record.kind !== 'item') return
    const { number } = record
    if (this.#next && !this.#next.has(number))
      this.problems.push(`number ${number} came where ${[...this.#next].join(' or ')} was next`)
    this.#next = new Set([number + 1])
    if (this.#wholeBehind === undefined) {
      // Its order and its content are right, so the map is.
      this.compared += 1
      this.#becomeWhole(number)
    } else if (number > this.#wholeBehind) {
      this.#compare(number, `behind what came instead of a part of the journal`)
      this.#becomeWhole(number)
    }
  }

  #compare(number: number, where: string): void {
    this.compared += 1
    const expected = this.#expected(number)
    if (!isEqual(this.#map, expected))
      this.problems.push(`the map at number ${number}, ${where}: ${difference(this.#map, expected)}`)
  }

  #becomeWhole(number: number): void {
    this.#wholeBehind = undefined
    this.#base = new Map(this.#map)
    this.#baseAt = number
    this.#stateUpTo = 0
  }

  #foldAt(number: number): Entries {
    return fold(new Map(), this.#account, 0, number, number)
  }

  #expected(number: number): Entries {
    return fold(this.#base, this.#account, this.#baseAt, number, this.#stateUpTo)
  }
}

/** With a pace: no older value of a key after a newer one, and in the end the newest of all. */
class PacedSettlement {
  readonly problems: string[] = []
  compared = 0
  readonly #account: KeyedAccount
  readonly #map = new Map<string, number>()
  readonly #shown = new Map<string, number>()

  constructor(account: KeyedAccount) {
    this.#account = account
  }

  read(record: KeyedRecord): void {
    if (record.kind === 'gap') this.problems.push(`a gap of ${record.reason}`)
    if ((record.kind === 'begin' && record.isFresh) || ('reset' in record && record.reset)) {
      this.#map.clear()
      this.#shown.clear()
    }
    if (record.kind !== 'item') return
    const { key, number, removed } = record
    const shown = this.#shown.get(key) ?? 0
    if (number < shown) this.problems.push(`number ${number} of ${key} came after number ${shown}`)
    this.#shown.set(key, number)
    if (removed) this.#map.delete(key)
    else this.#map.set(key, number)
  }

  end(): void {
    this.compared += 1
    const all = this.#account.changes.length
    const expected = [fold(new Map(), this.#account, 0, all, all), fold(new Map(), this.#account, 0, all, 0)]
    for (const key of new Set([...this.#map.keys(), ...expected.flatMap((one) => [...one.keys()])])) {
      const value = this.#map.get(key)
      if (expected.every((one) => one.get(key) !== value))
        this.problems.push(`in the end ${key} is ${value}, and not ${expected.map((one) => one.get(key)).join(' or ')}`)
    }
  }
}

/** Without the lost numbers up to `stateUpTo`: the state does not have them. */
function fold(
  base: Entries,
  { changes, lost }: Pick<KeyedAccount, 'changes' | 'lost'>,
  from: number,
  to: number,
  stateUpTo: number,
): Entries {
  const entries = new Map(base)
  for (let number = from + 1; number <= to; number += 1)
    applyChange(entries, changes, number, number <= stateUpTo ? lost : noNumbers)
  return entries
}

function applyChange(
  entries: Map<string, number>,
  changes: readonly KeyedChange[],
  number: number,
  lost: ReadonlySet<number>,
): void {
  const change = changes[number - 1]
  if (!change || lost.has(number)) return
  if (change.removed) entries.delete(change.key)
  else entries.set(change.key, number)
}

function isEqual(one: Entries, other: Entries): boolean {
  return one.size === other.size && [...one].every(([key, number]) => other.get(key) === number)
}

function difference(map: Entries, expected: Entries): string {
  const keys = [...new Set([...map.keys(), ...expected.keys()])].filter((key) => map.get(key) !== expected.get(key))
  return keys.map((key) => `${key} is ${map.get(key) ?? 'missing'}, not ${expected.get(key) ?? 'missing'}`).join('; ')
}
