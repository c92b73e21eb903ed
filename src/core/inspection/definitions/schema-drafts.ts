import { badInput, GatewayError } from '../../../errors.ts'
import type { Gateway } from '../../gateway.ts'
import { printCursor } from '../../model/cursor.ts'
import { maxShortStringBytes } from '../../model/short-string.ts'
import type { ExchangeType } from '../../model/source.ts'
import { matchesTopic } from '../../model/topic-pattern.ts'
import type { WindowEntry } from '../../ports/hot-window.ts'
import type { BrokerInspector } from '../broker-inspector.ts'
import type { JournalBrowser } from '../journal/journal-browser.ts'
import type { Reserve } from '../journal/journal-reader.ts'
import type { BrowsedEntry } from '../replica-outcomes.ts'
import type { SourceInspector } from '../source-inspector.ts'

/** Bodies of all messages that one draft reads, in bytes. */
const maxBodyBytes = 2 * 1024 * 1024
const maxSdlLength = 256 * 1024
/** How many drafts may wait. One is made at a time, because it keeps the event loop busy. */
const maxWaiting = 8
/** How many events and how many mismatches are shown. */
const maxShown = 20
/** A subscription field. */
const fieldName = /^[_A-Za-z][_0-9A-Za-z]{0,127}$/

export interface DraftRequest {
  readonly exchange: string
  readonly routingKey: string
  /** The name of the subscription field. Undefined: from the exchange. */
  readonly field: string | undefined
  /** Whether comments show values from messages. */
  readonly examples: boolean
  /** Tried in place of a draft. */
  readonly sdl: string | undefined
  readonly count: number
}

/** What makes a draft. */
export interface DraftInput extends Omit<DraftRequest, 'count' | 'routingKey'> {
  readonly exchangeType: ExchangeType
  /** Oldest first. */
  readonly entries: readonly WindowEntry[]
  readonly cursorOf: (entry: WindowEntry) => string
}

export interface DraftProblem {
  readonly line: number
  readonly column: number
  readonly severity: 'error' | 'remark'
  readonly message: string
}

/** What a field of a draft makes of a message. */
export type DraftOutcome = { readonly entry: WindowEntry; readonly field: string } & (
  | { readonly kind: 'fits'; readonly event: unknown }
  | { readonly kind: 'excluded' }
  | { readonly kind: 'mismatched'; readonly reason: string }
)

export interface MadeDraft {
  readonly sdl: string
  readonly problems: readonly DraftProblem[]
  /** Empty if the SDL has errors. */
  readonly outcomes: readonly DraftOutcome[]
}

/** Implemented outside the core. */
export type MakeDraft = (input: DraftInput) => Promise<MadeDraft>

export interface SchemaDraft {
  readonly exchange: string
  readonly exists: boolean
  readonly nearExchanges: readonly string[]
  /** How many messages were read. */
  readonly messages: number
  /** Null: there is no message, and no SDL was given. */
  readonly sdl: string | null
  readonly problems: readonly DraftProblem[]
  readonly fitting: number
  readonly excluded: number
  readonly mismatched: number
  /** Newest first. */
  readonly events: readonly { readonly message: BrowsedEntry; readonly field: string; readonly event: unknown }[]
  /** Newest first. */
  readonly mismatches: readonly { readonly message: BrowsedEntry; readonly field: string; readonly reason: string }[]
  readonly note: string | undefined
}

export interface SchemaDraftsParts {
  readonly gateway: Gateway
  readonly browser: JournalBrowser
  readonly broker: BrokerInspector
  readonly sources: SourceInspector
  readonly make: MakeDraft
}

/** Drafts SDL from messages that the journal holds. Nothing is created, and nothing is served. */
export class SchemaDrafts {
  readonly #parts: SchemaDraftsParts
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: SchemaDraftsParts) {
    this.#parts = parts
  }

  /**
   * Rejects with `BAD_USER_INPUT`, with `BROKER_UNAVAILABLE`, and with `LIMIT_EXCEEDED` if too many
   * drafts wait.
   */
  async draft(request: DraftRequest, reserve: Reserve): Promise<SchemaDraft> {
    check(request)
    const { exchange, routingKey, count } = request
    const { browser, broker, sources, gateway } = this.#parts
    let bytes = 0
    const [existing, page] = await Promise.all([
      broker.existingExchanges([exchange]),
      browser.newest(
        (entry) => entry.exchange === exchange && matchesTopic(routingKey, entry.routingKey),
        count,
        (entry, isFirst) => {
          bytes += entry.body.length
          return (isFirst || bytes <= maxBodyBytes) && reserve(entry, isFirst)
        },
      ),
    ])
    const exists = existing.includes(exchange)
    const isSource = gateway.sources.hasExchange(exchange)
    const made =
      page.length === 0 && request.sdl === undefined
        ? undefined
        : await this.#makeInTurn(inputOf(request, page, gateway))
    return {
      ...resultOf(made, page),
      exchange,
      exists,
      nearExchanges: exists && page.length > 0 ? [] : await sources.exchangesLike(exchange),
      note: page.length > 0 ? undefined : noteFor({ exchange, exists, isSource }),
    }
  }

  async #makeInTurn(input: DraftInput): Promise<MadeDraft> {
    if (this.#waiting >= maxWaiting)
      throw new GatewayError('LIMIT_EXCEEDED', `at most ${maxWaiting} drafts of schemas wait: try again later`)
    this.#waiting += 1
    const turn = this.#last.then(() => this.#parts.make(input))
    this.#last = turn.catch(() => undefined)
    try {
      return await turn
    } finally {
      this.#waiting -= 1
    }
  }
}

function check({ exchange, field, sdl }: DraftRequest): void {
  if (exchange === '' || Buffer.byteLength(exchange) > maxShortStringBytes)
    throw badInput('exchange', `expected the name of an exchange, 1 to ${maxShortStringBytes} bytes`)
  if (field !== undefined && !fieldName.test(field))
    throw badInput('field', `expected the name of a GraphQL field, got "${field.slice(0, 128)}"`)
  if (sdl !== undefined && sdl.length > maxSdlLength)
    throw badInput('sdl', `expected at most ${maxSdlLength} characters, got ${sdl.length}`)
}

function inputOf(
  { routingKey: _key, count: _count, ...request }: DraftRequest,
  page: readonly BrowsedEntry[],
  gateway: Gateway,
): DraftInput {
  const source = gateway.sources.list().find(({ exchange }) => exchange === request.exchange)
  return {
    ...request,
    exchangeType: source?.exchangeType ?? 'TOPIC',
    entries: page.map(({ entry }) => entry),
    cursorOf: (entry) => printCursor(gateway.cursorOf(entry)),
  }
}

function resultOf(
  made: MadeDraft | undefined,
  page: readonly BrowsedEntry[],
): Omit<SchemaDraft, 'exchange' | 'exists' | 'nearExchanges' | 'note'> {
  const outcomes = made?.outcomes.toReversed() ?? []
  const browsed = new Map(page.map((one) => [one.entry, one]))
  const count = (kind: DraftOutcome['kind']): number => outcomes.filter((outcome) => outcome.kind === kind).length
  const messageOf = ({ entry }: DraftOutcome): BrowsedEntry[] => {
    const message = browsed.get(entry)
    return message ? [message] : []
  }
  return {
    messages: page.length,
    sdl: made?.sdl ?? null,
    problems: made?.problems ?? [],
    fitting: count('fits'),
    excluded: count('excluded'),
    mismatched: count('mismatched'),
    events: outcomes
      .filter((outcome) => outcome.kind === 'fits')
      .slice(0, maxShown)
      .flatMap((outcome) =>
        messageOf(outcome).map((message) => ({ message, field: outcome.field, event: outcome.event })),
      ),
    mismatches: outcomes
      .filter((outcome) => outcome.kind === 'mismatched')
      .slice(0, maxShown)
      .flatMap((outcome) =>
        messageOf(outcome).map((message) => ({ message, field: outcome.field, reason: outcome.reason })),
      ),
  }
}

function noteFor({ exchange, exists, isSource }: { exchange: string; exists: boolean; isSource: boolean }): string {
  if (!exists) return `There is no exchange "${exchange}".`
  return isSource
    ? `The journal holds no message of "${exchange}" with such a key.`
    : `"${exchange}" is no source, so the journal holds none of its messages: run warren schema infer --exchange ${JSON.stringify(exchange)} --from live, or create a source.`
}
