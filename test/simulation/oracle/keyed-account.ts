import type { StateMark } from '../../../src/core/model/channel-event.ts'
import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'
import type { ReceivedEvent, Violated } from './client-account.ts'
import { type GroundTruth, isOf, type JournalLife, type Subject } from './ground-truth.ts'
import { isLateCopy, type StateWatch } from './state-watch.ts'

/** An event of a field with keyed state. */
export type KeyedEvent = ReceivedEvent & { readonly state?: StateMark | undefined }

/** By key, the number of its message. */
type Entries = ReadonlyMap<string, number>

/** A map that was whole, and the first offset that it does not include. */
interface Whole {
  readonly epoch: string
  readonly next: number
  readonly entries: Entries
}

/**
 * Keeps the map that docs/guides/state.md describes, and compares it with the fold of what is
 * stored, wherever it is whole: at the end of a snapshot, behind a difference, at each live change.
 */
export class KeyedAccount {
  readonly subject: Subject
  readonly policy: OverflowPolicy
  /** Poison is not folded, and copied to the quarantine by those who deliver it. */
  readonly passed: ReadonlySet<number> = new Set()
  readonly #isPaced: boolean
  readonly #truth: GroundTruth
  readonly #states: StateWatch
  readonly #violated: Violated
  readonly #map = new Map<string, number>()
  /** With a pace: the offset of what it shows of each key. */
  readonly #shown = new Map<string, number>()
  #position: { readonly epoch: string; readonly next: number } | undefined
  #base: Whole | undefined
  /** Before this offset, what came since the base came from the state. */
  #stateUpTo = 0
  /** After a gap, the state is to begin again on this connection. */
  #isAwaited = false
  /** `broken`: until the next snapshot. */
  #phase: 'broken' | 'snapshot' | 'rebased' | 'whole' = 'broken'

  constructor(
    subject: Subject,
    wanted: { readonly overflow: OverflowPolicy; readonly isPaced: boolean },
    truth: GroundTruth,
    states: StateWatch,
    violated: Violated,
  ) {
    this.subject = subject
    this.policy = wanted.overflow
    this.#isPaced = wanted.isPaced
    this.#truth = truth
    this.#states = states
    this.#violated = violated
  }

  /** It comes back with an older cursor, and with the map of now: what it has is not compared. */
  rewind(to: ReceivedEvent | undefined): void {
    this.#break(to && { epoch: to.epoch, next: nextOf(to) })
  }

  connected(resumedWith: 'nothing' | 'cursor' | 'invalid'): void {
    // A part of a state is missing, and what follows its cursor comes in another way.
    if (this.#phase === 'snapshot' || this.#phase === 'rebased') this.#break(this.#position)
    if (resumedWith === 'nothing') this.#break(undefined)
    this.#isAwaited = false
  }

  /** A subscription with a position begins where its client was, which may be another device. */
  continuesAt({ epoch, offset, before }: { epoch: string; offset: number; before: boolean }): void {
    this.#break({ epoch, next: before ? offset : offset + 1 })
  }

  receive(event: KeyedEvent): void {
    const life = this.#truth.lifeOf(event.epoch)
    if (!life) return this.#violated('a cursor names a journal', `epoch ${event.epoch} never existed`)
    const next = { epoch: event.epoch, next: nextOf(event) }
    if (event.kind === 'GAP') {
      this.#break(next)
      this.#isAwaited = event.reason === 'JOURNAL_REPLACED' || event.reason === 'INVALID_CURSOR'
    } else if (event.state) this.#state(event, event.state, life)
    else this.#live(event, life)
    this.#position = next
  }

  /** What is missing after everything has settled; undefined if nothing is. */
  missing(): string | undefined {
    const life = this.#truth.current
    if (!life) return undefined
    if (this.#phase === 'broken')
      return this.#isAwaited ? `its state of "${this.subject.channel}" does not begin again after a gap` : undefined
    const position = this.#position
    // The end of a difference is not marked: it is known by what follows.
    const isDifference = this.#phase === 'rebased'
    if (!position || (this.#phase !== 'whole' && !isDifference))
      return `its state of "${this.subject.channel}" is not complete`
    if (position.epoch !== life.epoch) return `it is still in journal ${position.epoch}`
    if (this.#isPaced || isDifference) return this.#difference(life, Number.POSITIVE_INFINITY)
    const [first] = life.due(this.subject, position.next)
    return first && `message ${first.intent.number} at ${first.offset} is not delivered`
  }

  /** What is not known until the next snapshot cannot be compared. */
  #break(position: { readonly epoch: string; readonly next: number } | undefined): void {
    this.#phase = 'broken'
    this.#position = position
    this.#shown.clear()
  }

  #state(event: KeyedEvent, { phase, reset }: StateMark, life: JournalLife): void {
    if (reset) {
      this.#isAwaited = false
      this.#map.clear()
      this.#shown.clear()
      this.#base = { epoch: event.epoch, next: 0, entries: new Map() }
      this.#stateUpTo = 0
      this.#phase = 'snapshot'
    } else if (phase === 'REBASED' && this.#phase === 'whole' && this.#position) {
      if (!this.#isPaced) this.#base = { ...this.#position, entries: new Map(this.#map) }
      this.#phase = 'rebased'
    }
    this.#apply(event, life)
    this.#stateUpTo = nextOf(event)
    if (phase !== 'SNAPSHOT_END' || this.#phase === 'broken') return
    this.#phase = 'whole'
    this.#compare(life, this.#stateUpTo, 'at the end of a snapshot')
  }

  #live(event: KeyedEvent, life: JournalLife): void {
    const position = this.#position
    if (this.#phase === 'rebased') {
      // Where the difference ends is known by what follows it.
      if (!this.#isPaced) this.#compare(life, event.offset, 'behind a difference')
      this.#phase = 'whole'
    } else if (position && this.#phase === 'whole' && !this.#isPaced) {
      this.#nothingBetween(position, event, life)
      this.#base = { ...position, entries: new Map(this.#map) }
      this.#stateUpTo = 0
    }
    this.#apply(event, life)
  }

  #nothingBetween(position: { readonly epoch: string; readonly next: number }, event: KeyedEvent, life: JournalLife) {
    const least = event.kind === 'CHECKPOINT' ? position.next - 1 : position.next
    if (event.epoch !== position.epoch)
      return this.#violated('a gap between journals', `from ${position.epoch} to ${event.epoch} without a gap`)
    if (event.offset < least && !isLateCopy(life, event.offset))
      this.#violated('in order', `offset ${event.offset} after position ${least}`)
    const [lost] = life.due(this.subject, position.next, event.kind === 'CHECKPOINT' ? nextOf(event) : event.offset)
    if (lost) this.#violated('no silent loss', `${lost.intent.number} at ${lost.offset} is missing in keyed state`)
  }

  #apply({ kind, number, messageOffset = -1 }: KeyedEvent, life: JournalLife): void {
    if (kind !== 'MESSAGE' || number === undefined) return
    const intent = life.at(messageOffset)
    if (intent?.number !== number) return this.#violated('a message is of its journal', `${number} at ${messageOffset}`)
    if (!isOf(intent, this.subject) || intent.isPoison)
      this.#violated('only entitled messages', `${number} for "${intent.channel}" came to a field with keyed state`)
    const { stateKey = '', isRemoval } = intent
    const shown = this.#shown.get(stateKey) ?? -1
    if (messageOffset < shown && !isLateCopy(life, messageOffset))
      this.#violated('no older value after a newer one', `${number} at ${messageOffset} of ${stateKey} after ${shown}`)
    this.#shown.set(stateKey, messageOffset)
    if (isRemoval) this.#map.delete(stateKey)
    else this.#map.set(stateKey, number)
  }

  #compare(life: JournalLife, next: number, where: string): void {
    const difference = this.#difference(life, next)
    if (difference) this.#violated('the state is the fold of what was published', `${where}, ${difference}`)
  }

  #difference(life: JournalLife, next: number): string | undefined {
    const expected = this.#isPaced ? this.#fold(life, undefined, next) : this.#fold(life, this.#base, next)
    for (const key of new Set([...this.#map.keys(), ...expected.keys()])) {
      const [has, wanted] = [this.#map.get(key), expected.get(key)]
      if (has !== wanted && !this.#isUncertain(life, key))
        return `before ${next} of "${this.subject.channel}" ${key} is ${has ?? 'missing'}, not ${wanted ?? 'missing'}`
    }
    return undefined
  }

  #fold(life: JournalLife, base: Whole | undefined, next: number): Entries {
    const entries = new Map(base?.entries)
    for (const { offset, intent } of life.due(this.subject, base?.next ?? 0, next)) {
      if (offset < this.#stateUpTo && this.#states.isLost(life.epoch, offset)) continue
      if (intent.isRemoval) entries.delete(intent.stateKey ?? '')
      else entries.set(intent.stateKey ?? '', intent.number)
    }
    return entries
  }

  /** Copies that cannot be recognised count as messages, and a slow client may miss what was lost. */
  #isUncertain(life: JournalLife, key: string): boolean {
    return life.some(this.subject.channel, ({ offset, intent }) => {
      return intent.stateKey === key && (isLateCopy(life, offset) || this.#isPacedAndLost(life, offset))
    })
  }

  #isPacedAndLost(life: JournalLife, offset: number): boolean {
    return this.#isPaced && this.#states.isLost(life.epoch, offset)
  }
}

function nextOf({ offset, before }: ReceivedEvent): number {
  return before ? offset : offset + 1
}
