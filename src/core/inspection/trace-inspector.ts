import { badInput } from '../../errors.ts'
import { reviveTrace } from '../accounting/message-trace.ts'
import type { ReplicaTrace, TracedMessage } from '../accounting/replica-trace.ts'
import type { Gathering } from '../cluster/gathering.ts'
import { numberOf, numberOrNull, objectOf, textOf, textOrNull } from '../cluster/wire-values.ts'
import type { Gateway } from '../gateway.ts'
import { matchesTopic } from '../model/topic-pattern.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import { type ClientReason, reasonForClient } from './client-reason.ts'
import type { JournalBrowser } from './journal/journal-browser.ts'
import { newestOffsets, visitWindow } from './journal/visit-window.ts'
import { MessageSearch, maxSearch } from './message-search.ts'

/** How many messages one replica finds at most. */
const maxTraced = 20
/** The longest text that bodies are searched for, in characters. */
const maxText = 500

/** What an operator remembers of a message. Members that are null do not matter. */
export interface MessagePicture {
  readonly exchange: string | null
  /** A topic pattern. */
  readonly routingKey: string | null
  /** In milliseconds since the epoch. */
  readonly from: number | null
  readonly to: number | null
  /** A text in the body. */
  readonly text: string | null
  readonly clientId: string | null
  /** As for `MessageSearch`. */
  readonly search: string | null
}

/** Traces messages that have no message id, or one that is not known. */
export class TraceInspector {
  readonly #gateway: Gateway
  readonly #gathering: Gathering
  readonly #journal: JournalBrowser
  readonly #hotWindow: HotWindow

  constructor(gateway: Gateway, gathering: Gathering, journal: JournalBrowser, hotWindow: HotWindow) {
    this.#gateway = gateway
    this.#hotWindow = hotWindow
    this.#gathering = gathering
    this.#journal = journal
    gathering.answer('trace-at', (args) => this.#traceAt(args))
    gathering.answer('trace-like', (args) => {
      const picture = readPicture(args)
      return this.#newestHere((entry) => this.#isLike(entry, picture))
    })
    gathering.answer('trace-search', (args) => this.#searchHere(readPicture(args)))
  }

  /** Throws `BAD_USER_INPUT` for a cursor that Warren did not issue. */
  async at(cursor: string): Promise<ReplicaTrace[]> {
    const place = this.#gateway.cursors.parse(cursor)
    if (!place) throw badInput('cursor', 'expected a cursor that this deployment has issued')
    const { epoch, offset } = place
    const traces = await this.#ask('trace-at', { epoch, offset })
    if (traces.some(({ messages }) => messages.length > 0)) return traces
    // Older than every hot window: this replica reads it again.
    const found = epoch === this.#gateway.epoch ? await this.#journal.at(cursor) : undefined
    return traces.map((trace) =>
      found && trace.replica === this.#gateway.replica ? { ...trace, messages: [found.described.trace([])] } : trace,
    )
  }

  /** The newest twenty messages of each replica's memory that look so. */
  like(picture: MessagePicture): Promise<ReplicaTrace[]> {
    if (Object.values(picture).every((value) => value === null))
      throw badInput('look', 'expected at least one of exchange, routingKey, from, to, text, clientId and search')
    if (picture.text !== null && (picture.text === '' || picture.text.length > maxText))
      throw badInput('look.text', `expected 1 to ${maxText} characters`)
    return picture.search === null ? this.#ask('trace-like', picture) : this.#search(picture, picture.search)
  }

  /** Throws `BAD_USER_INPUT` for a cursor that Warren did not issue. */
  async forClient(message: TracedMessage, clientId: string): Promise<ClientReason> {
    const { sources } = this.#gateway
    const known = reasonForClient(message, clientId, (id) => sources.nameOf(id))
    if (known) return known
    const found = message.cursor === null ? undefined : await this.#journal.at(message.cursor)
    const audience = found?.described.audience ?? []
    const isFor = audience === 'everyone' || audience.includes(clientId)
    return { isFor, reason: `it is for ${message.clientCount} clients${isFor ? ', and this is one of them' : ''}` }
  }

  async #search(picture: MessagePicture, search: string): Promise<ReplicaTrace[]> {
    if (search.trim() === '' || search.length > maxSearch.characters)
      throw badInput('look.search', `expected 1 to ${maxSearch.characters} characters`)
    const traces = await this.#ask('trace-search', picture)
    const wanted = new MessageSearch(search)
    // A replica that remembers less may have found others.
    if (!traces.some(({ messages }) => messages.some(({ messageId }) => wanted.isInId(messageId)))) return traces
    return traces.map((trace) => ({
      ...trace,
      messages: trace.messages.filter(({ messageId }) => wanted.isInId(messageId)),
    }))
  }

  async #newestHere(isMeant: (entry: WindowEntry) => boolean): Promise<ReplicaTrace> {
    const isWanted = (entry: WindowEntry): boolean => !entry.mark && isMeant(entry)
    const offsets = new Set(await newestOffsets(this.#hotWindow, maxTraced, isWanted))
    return this.#gateway.tracer.traceHere(({ offset }) => offsets.has(offset))
  }

  /**
   * The newest messages with the words in their id; if there are none, in key and body. Those with
   * exactly this id come before newer ones with a longer id.
   */
  async #searchHere(picture: MessagePicture): Promise<ReplicaTrace> {
    const wanted = new MessageSearch(picture.search ?? '')
    const exact: number[] = []
    const byId: number[] = []
    const byText: number[] = []
    await visitWindow(this.#hotWindow, (entry) => {
      if (entry.mark || !this.#isLike(entry, picture)) return
      const isById = wanted.isInId(entry.properties.messageId)
      if (!isById && (exact.length + byId.length > 0 || !wanted.isInMessage(entry))) return
      const found = wanted.isId(entry.properties.messageId) ? exact : isById ? byId : byText
      found.push(entry.offset)
      if (found.length > maxTraced) found.shift()
    })
    const found = exact.length + byId.length > 0 ? [...exact, ...byId.toReversed()] : byText
    const offsets = new Set(found.slice(0, maxTraced))
    return this.#gateway.tracer.traceHere(({ offset }) => offsets.has(offset))
  }

  async #ask(topic: string, args: unknown): Promise<ReplicaTrace[]> {
    const { answers } = await this.#gathering.ask(topic, args, reviveTrace)
    return answers.map(({ value }) => value)
  }

  #traceAt(args: unknown): ReplicaTrace {
    const { epoch, offset } = objectOf(args)
    const isHere = textOf(epoch) === this.#gateway.epoch
    const wanted = numberOf(offset)
    return this.#gateway.tracer.traceHere((entry) => isHere && entry.offset === wanted)
  }

  #isLike(entry: WindowEntry, { exchange, routingKey, from, to, text, clientId }: MessagePicture): boolean {
    if (exchange !== null && entry.exchange !== exchange) return false
    if (routingKey !== null && !matchesTopic(routingKey, entry.routingKey)) return false
    if (from !== null && entry.receivedAt < from) return false
    if (to !== null && entry.receivedAt > to) return false
    if (text !== null && !entry.body.includes(text)) return false
    if (clientId === null) return true
    const audience = this.#gateway.audienceOf(entry)
    return audience === 'everyone' || audience.includes(clientId)
  }
}

function readPicture(value: unknown): MessagePicture {
  const { exchange, routingKey, from, to, text, clientId, search } = objectOf(value)
  return {
    exchange: textOrNull(exchange),
    routingKey: textOrNull(routingKey),
    from: numberOrNull(from),
    to: numberOrNull(to),
    text: textOrNull(text),
    clientId: textOrNull(clientId),
    search: textOrNull(search),
  }
}
