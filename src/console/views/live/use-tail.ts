import { useCallback, useRef, useState } from 'react'
import { type EntryFragment, TailDocument, type TailSubscriptionVariables } from '../../api/generated/graphql.ts'
import type { Failure } from '../../api/graphql.ts'
import { type LiveState, useSubscription } from '../../api/use-subscription.ts'

/** Rows that the page keeps, and rows that wait while it is paused. */
const maxRows = 500
/** What the gateway sends at most; more is sampled. */
export const maxPerSecond = 200
/** The counts of outcomes are of so many milliseconds. */
const countedMs = 1_000

export interface TailState {
  /** Newest first. */
  readonly rows: readonly EntryFragment[]
  /** How many messages came while the list was paused. */
  readonly waiting: number
  readonly sampledOneIn: number
  /** Messages of the last second by outcome, before the filter. */
  readonly outcomes: ReadonlyMap<string, number>
  readonly state: LiveState
  readonly failure: Failure | undefined
  /** Shows what waited. */
  readonly resume: () => void
}

/** What comes from the journal now. While `paused`, nothing moves, and what comes is counted. */
export function useTail(filter: TailSubscriptionVariables, paused: boolean): TailState {
  const [rows, setRows] = useState<readonly EntryFragment[]>([])
  const [waiting, setWaiting] = useState(0)
  const [sampledOneIn, setSampled] = useState(1)
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, number>>(new Map())
  const held = useRef<readonly EntryFragment[]>([])
  const counted = useRef<{ at: number; counts: readonly { outcome: string; count: number }[] }[]>([])
  const lastFilter = useRef('')
  const key = JSON.stringify(filter)
  if (lastFilter.current !== key) {
    lastFilter.current = key
    held.current = []
    if (rows.length > 0) setRows([])
    if (waiting > 0) setWaiting(0)
  }

  const { state, failure } = useSubscription(TailDocument, { ...filter, maxPerSecond }, ({ tail }) => {
    const newest = tail.entries.toReversed()
    setSampled(tail.sampledOneIn)
    if (paused) {
      held.current = merged(newest, held.current)
      setWaiting((n) => n + tail.seen)
    } else setRows((before) => merged(newest, before))
    const now = Date.now()
    counted.current = [...counted.current.filter(({ at }) => now - at < countedMs), { at: now, counts: tail.outcomes }]
    const sums = new Map<string, number>()
    for (const { counts } of counted.current)
      for (const { outcome, count } of counts) sums.set(outcome, (sums.get(outcome) ?? 0) + count)
    setOutcomes(sums)
  })

  const resume = useCallback(() => {
    // Taken out now, because React runs the function below later.
    const shown = held.current
    held.current = []
    setRows((before) => merged(shown, before))
    setWaiting(0)
  }, [])
  return { rows, waiting, sampledOneIn, outcomes, state, failure, resume }
}

/** After a lost connection an entry can come twice. */
function merged(newer: readonly EntryFragment[], older: readonly EntryFragment[]): readonly EntryFragment[] {
  const known = new Set(newer.map(({ cursor }) => cursor))
  return [...newer, ...older.filter(({ cursor }) => !known.has(cursor))].slice(0, maxRows)
}
