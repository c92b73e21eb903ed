import { useCallback, useEffect, useRef, useState } from 'react'
import {
  type EntryFragment,
  TailDocument,
  type TailSubscription,
  type TailSubscriptionVariables,
} from '../../api/generated/graphql.ts'
import type { Failure } from '../../api/graphql.ts'
import { type LiveState, useSubscription } from '../../api/use-subscription.ts'
import { isChosen } from './filter.ts'
import { messagesSince } from './messages-since.ts'

/** Rows that the page keeps, and rows that wait while it is paused. */
const maxRows = 500
/** What the gateway sends at most; more is sampled. */
export const maxPerSecond = 50
/** The counts of outcomes are of so many milliseconds. */
const countedMs = 1_000

interface OutcomeCount {
  readonly outcome: string
  readonly count: number
}

export interface TailState {
  /** Newest first. */
  readonly rows: readonly EntryFragment[]
  /** How many messages came while the list was paused. */
  readonly waiting: number
  readonly sampledOneIn: number
  /** The cursor after which messages of an interruption are missing in the list. */
  readonly missingAfter: string | undefined
  /** Messages of the last second by outcome, before the filter. */
  readonly outcomes: ReadonlyMap<string, number>
  readonly state: LiveState
  readonly failure: Failure | undefined
  /** Shows what waited. */
  readonly resume: () => void
}

/** What comes from the journal now. While `paused`, nothing moves, and what comes is counted. */
export function useTail(filter: TailSubscriptionVariables, chosen: readonly string[], paused: boolean): TailState {
  const [rows, setRows] = useState<readonly EntryFragment[]>([])
  const [waiting, setWaiting] = useState(0)
  const [sampledOneIn, setSampled] = useState(1)
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, number>>(new Map())
  const [missingAfter, setMissingAfter] = useState<string>()
  const held = useRef<readonly EntryFragment[]>([])
  const counted = useRef<{ at: number; counts: readonly OutcomeCount[] }[]>([])
  const lastFilter = useRef('')
  const key = JSON.stringify([filter, chosen])
  if (lastFilter.current !== key) {
    lastFilter.current = key
    held.current = []
    if (rows.length > 0) setRows([])
    if (waiting > 0) setWaiting(0)
    if (missingAfter !== undefined) setMissingAfter(undefined)
  }
  const take = useRef((_entries: readonly EntryFragment[], _seen?: number): void => undefined)
  take.current = (all, counted) => {
    const newest = all.filter((entry) => isChosen(entry, chosen))
    const seen = newest.length === all.length ? counted : undefined
    if (!paused) return setRows((before) => merged(newest, before))
    const known = new Set([...held.current, ...rows].map(({ cursor }) => cursor))
    const fresh = newest.filter(({ cursor }) => !known.has(cursor)).length
    held.current = merged(newest, held.current)
    setWaiting((n) => n + (seen ?? fresh))
  }

  const { state, failure } = useSubscription(TailDocument, { ...filter, maxPerSecond }, ({ tail }) => {
    setSampled(tail.sampledOneIn)
    take.current(tail.entries.toReversed(), tail.seen)
    const now = Date.now()
    counted.current = [
      ...counted.current.filter(({ at }) => now - at < countedMs),
      { at: now, counts: shownCounts(tail) },
    ]
    const sums = new Map<string, number>()
    for (const { counts } of counted.current)
      for (const { outcome, count } of counts) sums.set(outcome, (sums.get(outcome) ?? 0) + count)
    setOutcomes(sums)
  })
  // Nothing comes while there are no messages.
  useEffect(() => {
    if (outcomes.size === 0) return
    const timer = setTimeout(() => setOutcomes(new Map()), countedMs)
    return () => clearTimeout(timer)
  }, [outcomes])

  // What came while there was no subscription is in the journal.
  const newest = held.current[0]?.cursor ?? rows[0]?.cursor
  const reached = useRef<string>(undefined)
  useEffect(() => {
    if (state === 'lost' || state === 'paused' || state === 'refused') {
      reached.current ??= newest
      return
    }
    const after = reached.current
    if (after === undefined) return
    // When the first event has come, it may have come after others: then the journal has them all.
    if (state === 'live') reached.current = undefined
    const ending = new AbortController()
    messagesSince(after, filter, ending.signal).then(
      ({ entries, complete }) => {
        take.current(entries)
        setMissingAfter(complete ? undefined : after)
      },
      () => {
        if (!ending.signal.aborted) setMissingAfter(after)
      },
    )
    return () => ending.abort()
    // Only a change of the connection counts.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [state, key])

  const resume = useCallback(() => {
    // Taken out now, because React runs the function below later.
    const shown = held.current
    held.current = []
    setRows((before) => merged(shown, before))
    setWaiting(0)
  }, [])
  return { rows, waiting, sampledOneIn, missingAfter, outcomes, state, failure, resume }
}

/** As the rows show them: a message without a client that typed fields read counts as such. */
function shownCounts({ outcomes, withoutClient }: TailSubscription['tail']): readonly OutcomeCount[] {
  return [
    ...outcomes.map(({ outcome, count }) =>
      outcome === 'NO_SUBSCRIBER' ? { outcome, count: Math.max(0, count - withoutClient) } : { outcome, count },
    ),
    { outcome: 'UNMATCHED', count: withoutClient },
  ]
}

/** Newest first. After a lost connection an entry can come twice, or behind newer ones. */
function merged(newer: readonly EntryFragment[], older: readonly EntryFragment[]): readonly EntryFragment[] {
  const known = new Set(newer.map(({ cursor }) => cursor))
  const all = [...newer, ...older.filter(({ cursor }) => !known.has(cursor))]
  return all.toSorted(newestFirst).slice(0, maxRows)
}

/** By time first, because another journal counts its offsets from 0 again. */
function newestFirst(one: EntryFragment, other: EntryFragment): number {
  const [a, b] = [one.receivedAt ?? '', other.receivedAt ?? '']
  if (a !== b && a !== '' && b !== '') return a < b ? 1 : -1
  return other.offset - one.offset
}
