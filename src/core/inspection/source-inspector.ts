import type { Gateway } from '../gateway.ts'
import { checkDefinition, type Source, type SourceDefinition, sourceId } from '../model/source.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import { explainMatch } from '../sources/match-reason.ts'
import { guessedNames, nearNames } from '../sources/near-names.ts'
import { bindingMatcherOf } from '../sources/source-matcher.ts'
import type { BrokerInspector } from './broker-inspector.ts'
import type { JournalBrowser } from './journal/journal-browser.ts'
import type { Reserve } from './journal/journal-reader.ts'
import { visitWindow } from './journal/visit-window.ts'
import type { BrowsedEntry } from './replica-outcomes.ts'

/** How many of the newest messages are matched again for their reasons. */
const explained = 2_000
/** The rate of a source is that of the last seconds, in milliseconds. */
const rateMs = 10_000
const maxReasons = 10
const maxNear = 5

/** Recent messages of a source that find no client, by reason. */
export interface UnmatchedReason {
  readonly reason: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  /** The newest one. */
  readonly sample: BrowsedEntry
}

export interface InspectedSource {
  readonly source: Source
  /** Per second, over the last ten. */
  readonly receivedPerSecond: number
  /** In milliseconds since the epoch; undefined: none in the memory of this replica. */
  readonly lastMessageAt: number | undefined
  /** How many messages of the memory its binding takes. */
  readonly messages: number
  /** Of the newest messages that its binding takes. */
  readonly explained: number
  readonly unmatched: readonly UnmatchedReason[]
}

export interface SourcePreview {
  readonly exchange: string
  readonly exists: boolean
  readonly nearExchanges: readonly string[]
  /** Newest first. */
  readonly messages: readonly {
    readonly browsed: BrowsedEntry
    readonly clients: readonly string[]
    readonly everyone: boolean
    readonly reason: string
  }[]
  readonly note: string | undefined
}

export interface SourceInspectorParts {
  readonly gateway: Gateway
  readonly hotWindow: HotWindow
  readonly browser: JournalBrowser
  readonly broker: BrokerInspector
  readonly maxDecodedBytes: () => number
}

interface Tally {
  readonly source: Source
  readonly takes: (routingKey: string) => boolean
  recent: number
  messages: number
  explained: number
  lastMessageAt: number | undefined
  readonly reasons: Map<string, { count: number; firstAt: number; lastAt: number; sample: WindowEntry }>
}

/**
 * What the sources did with recent messages, from the hot window of this replica: every replica
 * reads the same messages.
 */
export class SourceInspector {
  readonly #parts: SourceInspectorParts

  constructor(parts: SourceInspectorParts) {
    this.#parts = parts
  }

  async sources(): Promise<InspectedSource[]> {
    const { gateway, hotWindow, browser } = this.#parts
    const tallies = gateway.sources.list().map((source): Tally => {
      const takes = bindingMatcherOf(source)
      return {
        source,
        takes,
        recent: 0,
        messages: 0,
        explained: 0,
        lastMessageAt: undefined,
        reasons: new Map(),
      }
    })
    const byExchange = new Map<string, Tally[]>()
    for (const tally of tallies) {
      const { exchange } = tally.source
      byExchange.set(exchange, [...(byExchange.get(exchange) ?? []), tally])
    }
    const explainFrom = (hotWindow.last?.offset ?? 0) - explained
    const recentFrom = Date.now() - rateMs
    await visitWindow(hotWindow, (entry) => {
      if (entry.mark) return
      for (const tally of byExchange.get(entry.exchange) ?? []) {
        if (!tally.takes(entry.routingKey)) continue
        tally.messages += 1
        tally.lastMessageAt = entry.receivedAt
        if (entry.receivedAt >= recentFrom) tally.recent += 1
        if (entry.offset > explainFrom) this.#explain(tally, entry)
      }
    })
    return tallies.map(({ source, recent, lastMessageAt, messages, explained: count, reasons }) => ({
      source,
      receivedPerSecond: recent / (rateMs / 1000),
      lastMessageAt,
      messages,
      explained: count,
      unmatched: [...reasons]
        .map(([reason, { sample, ...found }]) => ({ reason, ...found, sample: browser.describe(sample) }))
        .toSorted((one, other) => other.count - one.count),
    }))
  }

  /** Names near this one: of known exchanges, and guessed ones that the broker has. */
  async exchangesLike(name: string): Promise<string[]> {
    const known = this.#parts.gateway.sources.list().map(({ exchange }) => exchange)
    const near = nearNames(name, known)
    const guessed = await this.#parts.broker.existingExchanges(guessedNames(name)).catch(() => [])
    return [...new Set([...near, ...guessed])].slice(0, maxNear)
  }

  /**
   * Tries a definition on messages that the journal holds. Rejects with `BAD_USER_INPUT` for an
   * invalid one, and with `BROKER_UNAVAILABLE`.
   */
  async preview(definition: SourceDefinition, count: number, reserve: Reserve): Promise<SourcePreview> {
    const { gateway, browser, broker } = this.#parts
    const checked = checkDefinition(definition, 'input.')
    const takes = bindingMatcherOf(checked)
    const { exchange } = checked
    const [existing, page] = await Promise.all([
      broker.existingExchanges([exchange]),
      browser.newest((entry) => entry.exchange === exchange && takes(entry.routingKey), count, reserve),
    ])
    const exists = existing.includes(exchange)
    const messages = page.map((browsed) => {
      const { clients, reason } = explainMatch(checked, browsed.entry, this.#parts.maxDecodedBytes())
      return { browsed, clients: clients === 'everyone' ? [] : clients, everyone: clients === 'everyone', reason }
    })
    const isSource = gateway.sources.hasExchange(exchange)
    return {
      exchange,
      exists,
      nearExchanges: exists && messages.length > 0 ? [] : await this.exchangesLike(exchange),
      messages: messages.toReversed(),
      note: noteFor({ exists, isSource, found: messages.length, exchange, id: sourceId(checked) }),
    }
  }

  #explain(tally: Tally, entry: WindowEntry): void {
    tally.explained += 1
    const { clients, reason } = explainMatch(tally.source, entry, this.#parts.maxDecodedBytes())
    if (clients.length > 0 || tally.source.origin === 'SCHEMA') return
    const { receivedAt } = entry
    const known = tally.reasons.get(reason)
    const sample = entry.detach?.() ?? entry
    if (known) {
      known.count += 1
      known.lastAt = receivedAt
      known.sample = sample
    } else if (tally.reasons.size < maxReasons) {
      tally.reasons.set(reason, { count: 1, firstAt: receivedAt, lastAt: receivedAt, sample })
    }
  }
}

function noteFor(given: { exists: boolean; isSource: boolean; found: number; exchange: string; id: string }) {
  const { exists, isSource, found, exchange } = given
  if (!exists) return `There is no exchange "${exchange}": creating the source would make it.`
  if (found > 0) return undefined
  return isSource
    ? `The journal holds no message of "${exchange}" that the binding takes.`
    : `"${exchange}" is no source yet, so the journal holds none of its messages: run warren schema infer --exchange ${exchange} --from live, or create the source and look again.`
}
