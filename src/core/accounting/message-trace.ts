import { randomUUID } from 'node:crypto'
import { decodeBody, UndecodableBody } from '../body/decode-body.ts'
import type { Audience } from '../model/source.ts'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import type { HotWindow, WindowEntry } from '../ports/hot-window.ts'
import type { SourceRouter } from '../sources/source-router.ts'
import { type MessageOutcome, messageOutcomes, type QuarantineReason, quarantineReasons } from './labels.ts'
import type { ReplicaTrace, TracedMessage } from './replica-trace.ts'

/** How long other replicas are waited for, in milliseconds: nobody knows how many there are. */
const answerMs = 500
/** What an answer holds at most; a message id is one message, unless publishers are careless. */
const maxMessages = 20
const maxNamed = 20

export interface TracerParts {
  readonly replica: string
  readonly hotWindow: HotWindow
  readonly sources: SourceRouter
  readonly control: ControlBus
  /** Whose it is, duplicates and poison aside. */
  readonly audienceOf: (message: WindowEntry) => Audience
  /** Whether the message at this offset is known to be poison. */
  readonly isPoison: (offset: number) => boolean
  /** What a compressed body may grow to. */
  readonly maxDecodedBytes: number
}

/**
 * Answers where a message went, from what the hot window holds anyway: nothing is kept for it but
 * three numbers a message.
 */
export class Tracer {
  readonly #parts: TracerParts
  readonly #questions = new Map<string, (answer: ReplicaTrace) => void>()

  constructor(parts: TracerParts) {
    this.#parts = parts
  }

  /** This replica's answer first, then those of the others that answer in time. */
  async trace(messageId: string): Promise<ReplicaTrace[]> {
    const answers = [this.#look(messageId)]
    const question = randomUUID()
    this.#questions.set(question, (answer) => answers.push(answer))
    try {
      await this.#parts.control.send({ kind: 'trace-wanted', question, messageId })
      await new Promise((resolve) => setTimeout(resolve, answerMs))
    } finally {
      this.#questions.delete(question)
    }
    return answers
  }

  async onControl(message: ControlMessage): Promise<void> {
    if (message.kind === 'trace-known') this.#questions.get(message.question)?.(message.trace)
    // It hears its own questions too.
    if (message.kind !== 'trace-wanted' || this.#questions.has(message.question)) return
    const { question, messageId } = message
    await this.#parts.control.send({ kind: 'trace-known', question, trace: this.#look(messageId) })
  }

  #look(messageId: string): ReplicaTrace {
    const { hotWindow, replica } = this.#parts
    const messages: TracedMessage[] = []
    let since: number | null = null
    hotWindow.visit(-1, (entry) => {
      since ??= entry.receivedAt
      if (!entry.mark && entry.properties.messageId === messageId) messages.push(this.#describe(entry))
      return messages.length < maxMessages
    })
    return { replica, since, messages }
  }

  #describe(entry: WindowEntry): TracedMessage {
    const { offset, exchange, routingKey, receivedAt, outcomes, slot = 0 } = entry
    const { matched, delivered, dropped } = outcomes?.countsOf(slot) ?? { matched: 0, delivered: 0, dropped: 0 }
    const fate = outcomes?.of(slot) ?? null
    const audience = this.#parts.audienceOf(entry)
    const everyone = audience === 'everyone'
    return {
      offset,
      exchange,
      routingKey,
      receivedAt,
      fate,
      reason: this.#parts.isPoison(offset) ? poisonIn(entry, this.#parts.maxDecodedBytes) : null,
      sources: this.#parts.sources.matching(entry).slice(0, maxNamed),
      clients: everyone ? [] : audience.slice(0, maxNamed),
      clientCount: everyone ? null : audience.length,
      matched,
      delivered,
      dropped,
    }
  }
}

/** A trace as it came from another replica; undefined where it is none that this version knows. */
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
  const { offset, exchange, routingKey, receivedAt, fate, reason, ...rest } = value as Record<string, unknown>
  const { sources, clients, clientCount, matched, delivered, dropped } = rest
  if (typeof exchange !== 'string' || typeof routingKey !== 'string') return undefined
  if (!isNumber(offset) || !isNumber(receivedAt) || !isNumberOrNull(clientCount)) return undefined
  if (!isNumber(matched) || !isNumber(delivered) || !isNumber(dropped)) return undefined
  if (!isTexts(sources) || !isTexts(clients)) return undefined
  return {
    offset,
    exchange,
    routingKey,
    receivedAt,
    fate: outcomeOf(fate),
    reason: quarantineReasons.find((known) => known === reason) ?? null,
    sources,
    clients,
    clientCount,
    matched,
    delivered,
    dropped,
  }
}

/** Accepts the old names too, which replicas of the previous release send during an upgrade. */
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
