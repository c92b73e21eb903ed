import { randomUUID } from 'node:crypto'
import { decodeBody, UndecodableBody } from '../body/decode-body.ts'
import type { Members } from '../cluster/members.ts'
import { OlderReplicas } from '../cluster/older-replicas.ts'
import { listOf, numberOf, objectOf, textOf, textOrNull, textsOf } from '../cluster/wire-values.ts'
import type { Audience } from '../model/source.ts'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import { explainMatch } from '../sources/match-reason.ts'
import type { SourceRouter } from '../sources/source-router.ts'
import { within } from '../timing/deadline.ts'
import { DescribedEntry, type EntryReader } from './described-entry.ts'
import { type MessageOutcome, messageOutcomes, type QuarantineReason, quarantineReasons } from './labels.ts'
import {
  fieldOutcomes,
  type ReplicaTrace,
  type SourceReason,
  sessionOutcomes,
  type TracedField,
  type TracedMessage,
  type TracedSession,
} from './replica-trace.ts'

/** How long the tracer waits for other replicas at most, in milliseconds. */
const answerMs = 500
/**
 * The most messages in one answer. A message id should name one message, but publishers may reuse
 * ids.
 */
const maxMessages = 20
const maxNamed = 20

export interface TracerParts {
  readonly replica: string
  readonly hotWindow: HotWindow
  readonly sources: SourceRouter
  readonly control: ControlBus
  /** Undefined: it is not known which replicas there are. */
  readonly members: Pick<Members, 'alive' | 'isAlive'> | undefined
  /** The channels of a message, even if it is a repeat or poison. */
  readonly audienceOf: (message: WindowEntry) => Audience
  readonly fieldsOf: (message: WindowEntry) => readonly TracedField[]
  /** The cursor of a message, printed. */
  readonly cursorOf: (message: WindowEntry) => string
  /** The sessions of these clients, and where they are relative to the message. */
  readonly sessionsOf: (message: WindowEntry, audience: Audience) => readonly TracedSession[]
  /** Whether the message at this offset is known to be poison. */
  readonly isPoison: (offset: number) => boolean
  /** Whether a copy of it is in the quarantine, because it does not fit a typed field. */
  readonly isMisfit: (offset: number) => boolean
  /** The most that a compressed body may grow to, in bytes. */
  readonly maxDecodedBytes: number
}

/**
 * Answers where a message went, from the hot window. Tracing stores three more numbers for each
 * message and nothing else.
 */
export class Tracer {
  readonly #parts: TracerParts
  readonly #questions = new Map<string, (answer: ReplicaTrace) => void>()
  readonly #older = new OlderReplicas()
  readonly #reader: EntryReader

  constructor(parts: TracerParts) {
    this.#parts = parts
    const { audienceOf, fieldsOf, cursorOf, sources, isPoison, isMisfit, maxDecodedBytes } = parts
    this.#reader = {
      audienceOf,
      fieldsOf,
      cursorOf,
      matchingIds: (entry) => sources.matchingIds(entry),
      sourceReasonsOf: (entry) => this.#sourceReasons(entry),
      reasonOf: (entry) => {
        const poison = isPoison(entry.offset) ? poisonIn(entry, maxDecodedBytes) : null
        return poison ?? (isMisfit(entry.offset) ? 'schema' : null)
      },
    }
  }

  /**
   * The answer of this replica first, then those of the replicas that answer in time. Returns as
   * soon as all that are alive have answered. While replicas of an older release may be there, it
   * waits the full time, because they cannot be counted.
   */
  async trace(messageId: string): Promise<ReplicaTrace[]> {
    const { control, members, replica: here } = this.#parts
    const answers = [this.#traceHere(messageId)]
    const awaited = new Set(members?.alive)
    awaited.delete(here)
    const waitsForAll = !members || this.#older.mayExist
    if (awaited.size === 0 && !waitsForAll) return answers
    const question = randomUUID()
    let olderAnswered = false
    const complete = new Promise<void>((resolve) => {
      this.#questions.set(question, (answer) => {
        answers.push(answer)
        awaited.delete(answer.replica)
        if (members && !members.isAlive(answer.replica)) olderAnswered = true
        if (awaited.size === 0 && !waitsForAll) resolve()
      })
    })
    try {
      await control.send({ kind: 'trace-wanted', question, messageId })
      await within(answerMs, complete)
    } finally {
      this.#questions.delete(question)
    }
    if (olderAnswered) this.#older.onSeen()
    else if (waitsForAll) this.#older.onSilence()
    return answers
  }

  /** A replica of a release that does not announce itself sent a message. */
  onOlderReplica(): void {
    this.#older.onSeen()
  }

  /** The control bus is connected (again). */
  onResync(): void {
    this.#older.onConnected()
  }

  async onControl(message: ControlMessage): Promise<void> {
    if (message.kind === 'trace-known') this.#questions.get(message.question)?.(message.trace)
    // A replica receives its own requests too.
    if (message.kind !== 'trace-wanted' || this.#questions.has(message.question)) return
    const { question, messageId } = message
    await this.#parts.control.send({ kind: 'trace-known', question, trace: this.#traceHere(messageId) })
  }

  #traceHere(messageId: string): ReplicaTrace {
    return this.traceHere(({ properties }) => properties.messageId === messageId)
  }

  /** The newest twenty messages of the hot window that are meant, oldest first. */
  traceHere(isMeant: (entry: WindowEntry) => boolean): ReplicaTrace {
    const { hotWindow, replica } = this.#parts
    const offsets: number[] = []
    let since: number | null = null
    hotWindow.visit(-1, (entry) => {
      since ??= entry.receivedAt
      if (entry.mark || !isMeant(entry)) return true
      offsets.push(entry.offset)
      if (offsets.length > maxMessages) offsets.shift()
      return true
    })
    const messages = offsets.flatMap((offset) => {
      const entry = hotWindow.at(offset)
      return entry ? [this.#traceOf(entry)] : []
    })
    return { replica, since, messages }
  }

  #traceOf(entry: WindowEntry): TracedMessage {
    const described = this.describe(entry)
    return described.trace(this.#parts.sessionsOf(entry, described.audience))
  }

  /** What this replica knows of an entry. */
  describe(entry: WindowEntry): DescribedEntry {
    const { outcomes, slot = 0 } = entry
    const counts = outcomes?.countsOf(slot) ?? { matched: 0, delivered: 0, dropped: 0 }
    return new DescribedEntry(entry, this.#reader, { outcome: outcomes?.of(slot) ?? null, ...counts })
  }

  #sourceReasons(entry: WindowEntry): SourceReason[] {
    const ofExchange = this.#parts.sources.list().filter(({ exchange }) => exchange === entry.exchange)
    return ofExchange.slice(0, maxNamed).map((source) => {
      const { clients, reason } = explainMatch(source, entry, this.#parts.maxDecodedBytes)
      const everyone = clients === 'everyone'
      return {
        source: source.id,
        matched: clients.length > 0,
        clients: everyone ? [] : clients.slice(0, maxNamed),
        everyone,
        reason,
      }
    })
  }
}

/** Parses a trace from another replica. Undefined if it is invalid or of an unknown version. */
export function reviveTrace(value: unknown): ReplicaTrace | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { replica, since, messages } = value as Record<string, unknown>
  if (typeof replica !== 'string' || !isNumberOrNull(since) || !Array.isArray(messages)) return undefined
  const revived = messages.slice(0, maxMessages).map(reviveMessage)
  if (revived.includes(undefined)) return undefined
  return { replica, since, messages: revived.filter((message) => message !== undefined) }
}

function reviveMessage(value: unknown): TracedMessage | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { offset, exchange, routingKey, receivedAt, outcome, reason, ...rest } = value as Record<string, unknown>
  const { sources, clients, clientCount, matched, delivered, dropped, fields } = rest
  if (typeof exchange !== 'string' || typeof routingKey !== 'string') return undefined
  if (!isNumber(offset) || !isNumber(receivedAt) || !isNumberOrNull(clientCount)) return undefined
  if (!isNumber(matched) || !isNumber(delivered) || !isNumber(dropped)) return undefined
  if (!isTexts(sources) || !isTexts(clients)) return undefined
  return {
    offset,
    exchange,
    routingKey,
    receivedAt,
    // The previous release calls it `fate`.
    outcome: outcomeOf(outcome ?? rest['fate']),
    reason: quarantineReasons.find((known) => known === reason) ?? null,
    sources,
    clients,
    clientCount,
    matched,
    delivered,
    dropped,
    // Replicas of the previous release send none.
    fields: Array.isArray(fields) ? fields.slice(0, maxNamed).flatMap(reviveField) : [],
    messageId: textOrNull(rest['messageId']),
    preview: textOf(rest['preview']),
    cursor: textOrNull(rest['cursor']),
    sourceReasons: listOf(rest['sourceReasons'], maxNamed).map(reviveReason),
    sessions: listOf(rest['sessions'], maxNamed).flatMap(reviveSession),
  }
}

function reviveReason(value: unknown): SourceReason {
  const { source, matched, clients, everyone, reason } = objectOf(value)
  return {
    source: textOf(source),
    matched: matched === true,
    clients: textsOf(clients, maxNamed),
    everyone: everyone === true,
    reason: textOf(reason),
  }
}

function reviveSession(value: unknown): TracedSession[] {
  const { session, clientId, openedBy, transport, address, since, outcome, pending } = objectOf(value)
  const known = sessionOutcomes.find((one) => one === outcome)
  if (!known) return []
  return [
    {
      session: textOf(session),
      clientId: textOf(clientId),
      openedBy: textOrNull(openedBy),
      transport: textOf(transport),
      address: textOf(address),
      since: numberOf(since),
      outcome: known,
      pending: numberOf(pending),
    },
  ]
}

function reviveField(value: unknown): TracedField[] {
  if (typeof value !== 'object' || value === null) return []
  const { field, outcome, detail } = value as Record<string, unknown>
  const known = fieldOutcomes.find((one) => one === outcome)
  if (typeof field !== 'string' || !known) return []
  return [{ field, outcome: known, detail: typeof detail === 'string' ? detail : null }]
}

/** Accepts the names of the previous release too: its replicas answer during an upgrade. */
function outcomeOf(value: unknown): MessageOutcome | null {
  if (value === 'heard') return 'delivered'
  if (value === 'unheard') return 'no_subscriber'
  return messageOutcomes.find((known) => known === value) ?? null
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

function isNumberOrNull(value: unknown): value is number | null {
  return value === null || isNumber(value)
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function poisonIn(message: WindowEntry, maxBytes: number): QuarantineReason | null {
  try {
    decodeBody(message, maxBytes)
    return null
  } catch (error) {
    return error instanceof UndecodableBody ? error.reason : null
  }
}
