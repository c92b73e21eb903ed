import type { Gateway } from '../../gateway.ts'
import type { HotWindow, WindowEntry } from '../../ports/hot-window.ts'
import { bindingMatcherOf } from '../../sources/source-matcher.ts'
import type { JournalBrowser } from '../journal/journal-browser.ts'
import { visitWindow } from '../journal/visit-window.ts'
import type { BrowsedEntry } from '../replica-outcomes.ts'
import type { FieldDefinition } from './field-definition.ts'

/** How many of the newest messages are checked against the types of the fields. */
const checkedEntries = 2_000
/** Rates are those of the last seconds, in milliseconds. */
const rateMs = 10_000
const maxReasons = 10

/** Recent messages that do not fit the type of a field, by reason. */
export interface Mismatch {
  readonly reason: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** The newest one. */
  readonly sample: BrowsedEntry
}

/** What a field made of the messages that this replica remembers, whether or not it is in use. */
export interface FieldActivity {
  /** Per second, over the last ten. */
  readonly receivedPerSecond: number
  /** In milliseconds since the epoch; undefined: none in the memory of this replica. */
  readonly lastMessageAt: number | undefined
  /** How many messages of the memory its bindings take. */
  readonly messages: number
  /** Of the newest messages that its bindings take. */
  readonly checked: number
  readonly fitting: number
  readonly excluded: number
  readonly mismatched: number
  /** The most frequent reason first. */
  readonly mismatches: readonly Mismatch[]
}

export interface FieldActivityParts {
  readonly gateway: Gateway
  readonly hotWindow: HotWindow
  readonly browser: JournalBrowser
}

interface Tally {
  readonly takes: (exchange: string, routingKey: string) => boolean
  recent: number
  messages: number
  lastMessageAt: number | undefined
  checked: number
  fitting: number
  excluded: number
  mismatched: number
  readonly reasons: Map<string, { count: number; firstAt: number; lastAt: number; sample: WindowEntry }>
}

/** Reads the hot window once for all fields. Other work runs in between. */
export async function readFieldActivity(
  fields: readonly FieldDefinition[],
  { gateway, hotWindow, browser }: FieldActivityParts,
): Promise<ReadonlyMap<string, FieldActivity>> {
  const tallies = new Map(fields.map((field) => [field.name, newTally(field)]))
  const checkFrom = (hotWindow.last?.offset ?? 0) - checkedEntries
  const recentFrom = Date.now() - rateMs
  const exchanges = new Set(fields.flatMap(({ bindings }) => bindings.map(({ exchange }) => exchange)))
  await visitWindow(hotWindow, (entry) => {
    if (entry.mark || !exchanges.has(entry.exchange)) return
    for (const tally of tallies.values()) {
      if (!tally.takes(entry.exchange, entry.routingKey)) continue
      tally.messages += 1
      tally.lastMessageAt = entry.receivedAt
      if (entry.receivedAt >= recentFrom) tally.recent += 1
    }
    if (entry.offset <= checkFrom) return
    for (const { field, outcome, detail } of gateway.explain(entry)) {
      const tally = tallies.get(field)
      if (!tally) continue
      tally.checked += 1
      if (outcome === 'invalid') addMismatch(tally, entry, detail ?? 'it does not fit')
      else if (outcome === 'filtered') tally.excluded += 1
      else tally.fitting += 1
    }
  })
  return new Map([...tallies].map(([name, tally]) => [name, activityOf(tally, browser)]))
}

function activityOf({ recent, reasons, ...tally }: Tally, browser: JournalBrowser): FieldActivity {
  const { messages, lastMessageAt, checked, fitting, excluded, mismatched } = tally
  return {
    receivedPerSecond: recent / (rateMs / 1000),
    lastMessageAt,
    messages,
    checked,
    fitting,
    excluded,
    mismatched,
    mismatches: [...reasons]
      .map(([reason, { sample, ...found }]) => ({ reason, ...found, sample: browser.describe(sample) }))
      .toSorted((one, other) => other.count - one.count),
  }
}

function newTally({ bindings }: FieldDefinition): Tally {
  const matchers = bindings.map(({ exchange, exchangeType, bindingKey }) => ({
    exchange,
    takes: bindingMatcherOf({ exchange, exchangeType, routingKey: bindingKey, clientId: undefined }),
  }))
  return {
    takes: (exchange, routingKey) => matchers.some((one) => one.exchange === exchange && one.takes(routingKey)),
    recent: 0,
    messages: 0,
    lastMessageAt: undefined,
    checked: 0,
    fitting: 0,
    excluded: 0,
    mismatched: 0,
    reasons: new Map(),
  }
}

function addMismatch(tally: Tally, entry: WindowEntry, reason: string): void {
  tally.mismatched += 1
  const { receivedAt } = entry
  const sample = entry.detach?.() ?? entry
  const known = tally.reasons.get(reason)
  if (known) {
    known.count += 1
    known.lastAt = receivedAt
    known.sample = sample
  } else if (tally.reasons.size < maxReasons) {
    tally.reasons.set(reason, { count: 1, firstAt: receivedAt, lastAt: receivedAt, sample })
  }
}
