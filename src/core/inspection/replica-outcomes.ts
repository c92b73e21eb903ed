import type { DescribedEntry, EntryOutcome } from '../accounting/described-entry.ts'
import { type MessageOutcome, messageOutcomes } from '../accounting/labels.ts'
import type { Gathering } from '../cluster/gathering.ts'
import { listOf, numberOf, objectOf, textOf } from '../cluster/wire-values.ts'
import type { Gateway } from '../gateway.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import { pause } from '../timing/pause.ts'
import { BehindSubscriptions } from './behind-subscriptions.ts'

const maxOffsets = 1_000
/** How long a replica waits for entries that it has not read yet, and how often it looks, in ms. */
const awaited = { longestMs: 250, everyMs: 25 }

/** A message of the journal, for operators. */
export interface BrowsedEntry {
  readonly entry: WindowEntry
  /** What this replica made of it; after `withOutcome` with the counts of all replicas. */
  readonly described: DescribedEntry
  /** When this replica received it; undefined if it only read it again from the journal. */
  readonly receivedAt: number | undefined
  /** As `BehindSubscriptions.count`, of all replicas. Undefined: no replica remembers the entry. */
  readonly behind?: number
}

export interface ReplicaOutcomesParts {
  readonly gateway: Gateway
  readonly hotWindow: HotWindow
  readonly gathering: Gathering
}

/** What one replica did with a message, or several. */
export interface OffsetOutcome extends EntryOutcome {
  readonly offset: number
  /** As `BehindSubscriptions.count`. */
  readonly behind: number
}

/** Asks all replicas what became of messages: a client is connected to one of them only. */
export class ReplicaOutcomes {
  readonly #parts: ReplicaOutcomesParts

  constructor(parts: ReplicaOutcomesParts) {
    this.#parts = parts
    parts.gathering.answer('outcomes', (args) => this.#outcomesHere(args))
  }

  /** The entries with what all replicas did with each, and the names of those without an answer. */
  async complete(
    entries: readonly BrowsedEntry[],
  ): Promise<{ readonly entries: readonly BrowsedEntry[]; readonly unanswered: readonly string[] }> {
    const { byOffset, unanswered } = await this.at(entries.map(({ entry }) => entry.offset))
    return { entries: entries.map((browsed) => withOutcome(browsed, byOffset)), unanswered }
  }

  /** What all replicas that answered did with the entries at these offsets, at most 1,000. */
  async at(offsets: readonly number[]): Promise<{
    readonly byOffset: ReadonlyMap<number, OffsetOutcome>
    readonly unanswered: readonly string[]
  }> {
    const byOffset = new Map<number, OffsetOutcome>()
    if (offsets.length === 0) return { byOffset, unanswered: [] }
    const { gateway, gathering } = this.#parts
    const { answers, unanswered } = await gathering.ask('outcomes', { epoch: gateway.epoch, offsets }, readOutcomes)
    for (const { value } of answers)
      for (const one of value) byOffset.set(one.offset, combined(byOffset.get(one.offset), one))
    return { byOffset, unanswered }
  }

  async #outcomesHere(args: unknown): Promise<OffsetOutcome[]> {
    const { epoch, offsets } = objectOf(args)
    const { gateway, hotWindow } = this.#parts
    if (textOf(epoch) !== gateway.epoch) return []
    const asked = listOf(offsets, maxOffsets).map(numberOf)
    const newest = asked.reduce((most, offset) => Math.max(most, offset), 0)
    // Another replica may have read a message first.
    for (let ms = 0; ms < awaited.longestMs && (hotWindow.last?.offset ?? -1) < newest; ms += awaited.everyMs)
      await pause(awaited.everyMs, undefined, { ref: false })
    const behind = new BehindSubscriptions(gateway)
    return asked.flatMap((offset) => {
      const entry = hotWindow.at(offset)
      if (!entry?.outcomes) return []
      const slot = entry.slot ?? 0
      const outcome = entry.outcomes.of(slot) ?? null
      return [{ offset: entry.offset, outcome, ...entry.outcomes.countsOf(slot), behind: behind.count(entry) }]
    })
  }
}

export function withOutcome(browsed: BrowsedEntry, byOffset: ReadonlyMap<number, OffsetOutcome>): BrowsedEntry {
  const outcome = byOffset.get(browsed.entry.offset)
  if (!outcome) return browsed
  const { described } = browsed
  return {
    ...browsed,
    described: described.withOutcome({ ...outcome, outcome: outcome.outcome ?? described.outcome }),
    behind: outcome.behind,
  }
}

/** The outcome that explains most about a message comes first. */
const order: readonly MessageOutcome[] = [
  'delivered',
  'quarantined',
  'repeated',
  'invalid',
  'filtered',
  'no_subscriber',
  'unmatched',
]

function combined(one: OffsetOutcome | undefined, other: OffsetOutcome): OffsetOutcome {
  if (!one) return other
  const outcomes = [one.outcome, other.outcome]
  return {
    offset: one.offset,
    outcome: order.find((outcome) => outcomes.includes(outcome)) ?? null,
    matched: one.matched + other.matched,
    delivered: one.delivered + other.delivered,
    dropped: one.dropped + other.dropped,
    behind: one.behind + other.behind,
  }
}

function readOutcomes(value: unknown): OffsetOutcome[] | undefined {
  if (!Array.isArray(value)) return undefined
  return listOf(value, maxOffsets).map((item) => {
    const { offset, outcome, matched, delivered, dropped, behind } = objectOf(item)
    return {
      offset: numberOf(offset),
      outcome: messageOutcomes.find((known) => known === outcome) ?? null,
      matched: numberOf(matched),
      delivered: numberOf(delivered),
      dropped: numberOf(dropped),
      behind: numberOf(behind),
    }
  })
}
