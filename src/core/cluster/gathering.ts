import { randomUUID } from 'node:crypto'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import { within } from '../timing/deadline.ts'
import type { Members } from './members.ts'

/** How long the other replicas may take to answer, in milliseconds. */
const answerMs = 500
/** How many questions of this replica may be open. Past it, the others are not asked. */
const maxOpen = 200

/** Answers one topic for this replica. It may throw; the replica then gives no answer. */
export type Answerer = (args: unknown) => unknown

/** What the replicas answered. */
export interface Gathered<Value> {
  /** This replica first, then the others in the order of their answers. */
  readonly answers: readonly { readonly replica: string; readonly value: Value }[]
  /** Known replicas that gave no answer in time and have not announced their end, sorted. */
  readonly unanswered: readonly string[]
}

export interface GatheringParts {
  readonly replica: string
  readonly control: ControlBus
  readonly members: Members
  readonly logError: (what: string, error: unknown) => void
}

/**
 * Asks all replicas one question over the control bus, and waits for a bounded time. It returns as
 * soon as every replica that is alive has answered.
 */
export class Gathering {
  readonly #parts: GatheringParts
  readonly #answerers = new Map<string, Answerer>()
  readonly #open = new Map<string, (replica: string, value: unknown) => void>()

  constructor(parts: GatheringParts) {
    this.#parts = parts
  }

  /** Registers what this replica answers. Other replicas send `args`, also of other versions. */
  answer(topic: string, answerer: Answerer): void {
    this.#answerers.set(topic, answerer)
  }

  /**
   * `read`: reads the answer of a replica. Undefined: the answer is not understood, and counts as
   * none. `args` and answers are JSON.
   */
  async ask<Value>(
    topic: string,
    args: unknown,
    read: (value: unknown) => Value | undefined,
  ): Promise<Gathered<Value>> {
    const { replica: here, control, members } = this.#parts
    const answers: { replica: string; value: Value }[] = []
    const answered = new Set<string>([here])
    const others = members.others
    const awaited = new Set(others.filter(({ replica }) => members.isAlive(replica)).map(({ replica }) => replica))
    if (awaited.size > 0 && this.#open.size < maxOpen) {
      const question = randomUUID()
      const all = new Promise<void>((resolve) => {
        this.#open.set(question, (replica, value) => {
          if (answered.has(replica)) return
          const understood = read(value)
          if (understood === undefined) return
          answered.add(replica)
          answers.push({ replica, value: understood })
          awaited.delete(replica)
          if (awaited.size === 0) resolve()
        })
      })
      try {
        await control.send({ kind: 'asked', question, topic, args })
        await within(answerMs, all)
      } finally {
        this.#open.delete(question)
      }
    }
    const own = read(await this.#answerHere(topic, args))
    if (own !== undefined) answers.unshift({ replica: here, value: own })
    const unanswered = others
      .filter(({ replica, endedAt }) => endedAt === undefined && !answered.has(replica))
      .map(({ replica }) => replica)
    return { answers, unanswered }
  }

  async onControl(message: Extract<ControlMessage, { kind: 'asked' | 'answered' }>): Promise<void> {
    const { replica, control, members } = this.#parts
    if (message.kind === 'answered') {
      members.heardFrom(message.replica)
      this.#open.get(message.question)?.(message.replica, message.value)
      return
    }
    const { question, topic, args } = message
    // A replica receives its own questions too.
    if (this.#open.has(question)) return
    const value = await this.#answerHere(topic, args)
    if (value !== undefined) await control.send({ kind: 'answered', question, replica, value })
  }

  async #answerHere(topic: string, args: unknown): Promise<unknown> {
    try {
      return await this.#answerers.get(topic)?.(args)
    } catch (error) {
      this.#parts.logError(`answering "${topic}"`, error)
      return undefined
    }
  }
}
