import { randomUUID } from 'node:crypto'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import { within } from '../timing/deadline.ts'
import type { Members } from './members.ts'

/** How many questions to all replicas may be open. Past it, the others are not asked. */
const maxOpen = 200
/** As `maxOpen`, of questions to one replica. */
const maxOpenToOne = 10_000

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
 * Asks replicas a question over the control bus, and waits for a bounded time. It returns as soon
 * as every replica that was asked and is alive has answered.
 */
export class Gathering {
  /** How long the other replicas may take to answer, in milliseconds. Tests allow more. */
  answerMs = 500
  readonly #parts: GatheringParts
  readonly #answerers = new Map<string, Answerer>()
  readonly #open = new Map<string, (replica: string, value: unknown) => void>()
  #openToOne = 0

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
    const { replica: here, members } = this.#parts
    const answers: { replica: string; value: Value }[] = []
    const answered = new Set<string>([here])
    const others = members.others
    const awaited = new Set(others.filter(({ replica }) => members.isAlive(replica)).map(({ replica }) => replica))
    if (awaited.size > 0 && this.#open.size - this.#openToOne < maxOpen) {
      await this.#question({ topic, args }, (replica, value) => {
        if (answered.has(replica)) return false
        const understood = read(value)
        if (understood === undefined) return false
        answered.add(replica)
        answers.push({ replica, value: understood })
        awaited.delete(replica)
        return awaited.size === 0
      })
    }
    const own = read(await this.#answerHere(topic, args))
    if (own !== undefined) answers.unshift({ replica: here, value: own })
    const unanswered = others
      .filter(({ replica, endedAt }) => endedAt === undefined && !answered.has(replica))
      .map(({ replica }) => replica)
    return { answers, unanswered }
  }

  /**
   * As `ask`, but only one other replica, so the cost does not grow with the deployment. Undefined:
   * it is gone, or its answer did not come in time or is not understood.
   */
  async askOne<Value>(
    of: string,
    topic: string,
    args: unknown,
    read: (value: unknown) => Value | undefined,
  ): Promise<Value | undefined> {
    const { replica: here, members } = this.#parts
    if (of === here || !members.isAlive(of) || this.#openToOne >= maxOpenToOne) return undefined
    let answer: Value | undefined
    this.#openToOne += 1
    try {
      await this.#question({ topic, args, of }, (replica, value) => {
        if (replica !== of) return false
        answer = read(value)
        return true
      })
    } finally {
      this.#openToOne -= 1
    }
    return answer
  }

  /** `onAnswer` returns true if no further answer is awaited. */
  async #question(
    asked: { readonly topic: string; readonly args: unknown; readonly of?: string },
    onAnswer: (replica: string, value: unknown) => boolean,
  ): Promise<void> {
    const question = randomUUID()
    const all = new Promise<void>((resolve) => {
      this.#open.set(question, (replica, value) => {
        if (onAnswer(replica, value)) resolve()
      })
    })
    try {
      await this.#parts.control.send({ kind: 'asked', question, ...asked })
      await within(this.answerMs, all)
    } finally {
      this.#open.delete(question)
    }
  }

  async onControl(message: Extract<ControlMessage, { kind: 'asked' | 'answered' }>): Promise<void> {
    const { replica, control, members } = this.#parts
    if (message.kind === 'answered') {
      members.heardFrom(message.replica)
      this.#open.get(message.question)?.(message.replica, message.value)
      return
    }
    const { question, topic, args, of } = message
    // A replica receives its own questions too.
    if (this.#open.has(question) || (of !== undefined && of !== replica)) return
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
