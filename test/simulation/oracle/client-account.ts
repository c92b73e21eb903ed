import type { GapReason } from '../../../src/core/model/channel-event.ts'
import type { JournalPlace } from '../../../src/core/model/cursor.ts'
import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'
import { type Entry, type GroundTruth, isOf, type JournalLife, type Origin, type Subject } from './ground-truth.ts'

/** An event as its client received it. */
export interface ReceivedEvent {
  readonly kind: 'MESSAGE' | 'GAP' | 'CHECKPOINT'
  /** As the client sends it back. */
  readonly cursor: string
  readonly epoch: string
  readonly offset: number
  readonly before: boolean
  readonly number?: number
  /** Of the message. In a snapshot, the cursor of the last event is that of the state. */
  readonly messageOffset?: number
  readonly reason?: GapReason
  readonly dropped?: number
  /** Marked as a copy of a message that may have been delivered before. */
  readonly redelivered?: boolean
  /** The first event on its connection. */
  readonly isFirst: boolean
}

interface Position {
  readonly epoch: string
  /** The offset that the cursor names. */
  readonly offset: number
  /** The first offset after the cursor. */
  readonly next: number
}

/**
 * Whether a client's present replica has read an entry, or had the time to read it before retention
 * removed it.
 */
export type HasRead = (epoch: string, entry: Entry, removedAt: number) => boolean

/** Called with the promise of `docs/delivery.md` that does not hold. */
export type Violated = (promise: string, details: string) => void

/**
 * Checks what one client receives along its cursor, over all its connections, against what the
 * journal holds. The promises are those of `docs/delivery.md`.
 */
export class ClientAccount {
  readonly subject: Subject
  readonly policy: OverflowPolicy
  /** It wants the newest message only, so others may be passed over. */
  readonly #isPaced: boolean
  readonly #truth: GroundTruth
  readonly #violated: Violated
  /** What it received. */
  readonly #numbers = new Set<number>()
  #floor: Origin | undefined
  /** Poison for its channel that a gateway decoded for it. */
  readonly passed = new Set<number>()
  #position: Position | undefined
  #hasRead: HasRead = () => true
  /** What the current connection gave as its cursor. */
  #resumedWith: 'nothing' | 'cursor' | 'invalid' = 'nothing'
  /** With how many of the last events its subscription begins, and what its replica had read. */
  #begins: { readonly last: number; readonly epoch: string; readonly end: number } | undefined

  constructor(
    subject: Subject,
    wanted: { readonly overflow: OverflowPolicy; readonly isPaced: boolean },
    truth: GroundTruth,
    violated: Violated,
  ) {
    this.subject = subject
    this.policy = wanted.overflow
    this.#isPaced = wanted.isPaced
    this.#truth = truth
    this.#violated = violated
  }

  get #name(): string {
    const { channel, typed } = this.subject
    return typed ? `the typed field of "${channel}"` : `"${channel}"`
  }

  /** The client begins again at this earlier event, or without a cursor. */
  rewind(to: ReceivedEvent | undefined): void {
    this.#numbers.clear()
    this.#position = to && positionOf(to)
  }

  /**
   * `begins`: how many of the last events it asked for, and up to where its replica had read the
   * journal. `floor`: where its channel's present owner begins, if its replica must know it.
   */
  connected(
    resumedWith: 'nothing' | 'cursor' | 'invalid',
    begins: { readonly last: number; readonly end: number } | undefined,
    floor: Origin | undefined,
    hasRead: HasRead,
  ): void {
    this.#begins = resumedWith === 'nothing' && begins ? { ...begins, epoch: this.#truth.end.epoch } : undefined
    this.#floor = floor
    this.#hasRead = hasRead
    this.#resumedWith = resumedWith
    if (resumedWith === 'nothing') this.#position = undefined
  }

  /** The subscription begins at this position, whatever the client had received before. */
  continuesAt({ epoch, offset, before }: JournalPlace): void {
    this.#numbers.clear()
    this.#position = { epoch, offset, next: before ? offset : offset + 1 }
  }

  receive(event: ReceivedEvent): void {
    const life = this.#truth.lifeOf(event.epoch)
    if (!life) return this.#violated('a cursor names a journal', `epoch ${event.epoch} never existed`)
    if (event.kind === 'GAP') this.#gap(event, life)
    else this.#inOrder(event, life)
    this.#position = positionOf(event)
  }

  /** What is missing after everything has settled; undefined if nothing is. */
  missing(): string | undefined {
    const life = this.#truth.current
    const position = this.#position
    if (!position || !life) return undefined
    if (position.epoch !== life.epoch) return `the client of ${this.#name} is still in journal ${position.epoch}`
    const [first] = life.due(this.subject, position.next)
    if (first) return `message ${first.intent.number} at ${first.offset} for ${this.#name} is not delivered`
    const [unreadable] = life.unreadableBetween(position.next, Number.POSITIVE_INFINITY)
    return unreadable === undefined ? undefined : `no gap for the unreadable message at ${unreadable}`
  }

  #inOrder(event: ReceivedEvent, life: JournalLife): void {
    const position = this.#position
    const { number, offset } = event
    if (!position && number !== undefined && !this.#isPaced) this.#beginsRightly(event, life)
    if (position && event.epoch !== position.epoch)
      return this.#violated('a gap between journals', `from ${position.epoch} to ${event.epoch} without a gap`)
    if (position) life.poisonBetween(this.subject, position.next, offset).forEach((number) => this.passed.add(number))
    // A checkpoint may repeat the position where the client is.
    const least = position ? (event.kind === 'CHECKPOINT' ? position.next - 1 : position.next) : 0
    if (offset < least) this.#violated('in order', `offset ${offset} after position ${least}`)
    if (position) this.#nothingBetween(life, position.next, event.kind === 'CHECKPOINT' ? nextOf(event) : offset)
    if (number === undefined) return
    const stored = life.at(offset)
    if (stored?.number !== number) this.#violated('a cursor names its message', `${number} with cursor ${offset}`)
    if (stored && !isOf(stored, this.subject))
      this.#violated('only entitled messages', `${number} for "${stored.channel}" came to ${this.#name}`)
    if (stored?.isPoison) this.#violated('poison reaches no client', `${number} at ${offset}`)
    if (position?.epoch === this.#floor?.epoch && offset < (this.#floor?.next ?? 0))
      this.#violated('nothing of an earlier owner', `${number} at ${offset}, before ${this.#floor?.next}`)
    const isMarkedCopy = stored?.hasId === false && event.redelivered === true
    if (this.#numbers.has(number) && !isMarkedCopy && !this.#cannotBeRecognised(life, event))
      this.#violated('exactly once', `${number} came twice, again at ${offset}`)
    this.#numbers.add(number)
  }

  /** The first message of a subscription without a cursor is that many messages back. */
  #beginsRightly({ offset, epoch }: ReceivedEvent, life: JournalLife): void {
    const begins = this.#begins
    if (!begins || begins.epoch !== epoch) return
    // Between the request and the answer the journal grows.
    const [atMost] = life.countOf(this.subject, offset, begins.end)
    if (atMost > begins.last) this.#violated('last', `${atMost} messages from ${offset} on, wanted ${begins.last}`)
    // A replica may know of a deletion before it must.
    const { channel, typed } = this.subject
    const origin = this.#truth.origins.findLast((one) => !typed && one.channel === channel && one.epoch === epoch)
    const [before] = life.countOf(this.subject, Math.max(life.oldest, origin?.next ?? 0), offset)
    const [, atLeast] = life.countOf(this.subject, offset, Number.POSITIVE_INFINITY)
    if (before > 0 && atLeast < begins.last)
      this.#violated('last', `${atLeast} messages from ${offset} on, wanted ${begins.last}, and ${before} are older`)
  }

  /** A replica recognises a copy only if it has read an earlier one, which retention may remove. */
  #cannotBeRecognised(life: JournalLife, { offset }: ReceivedEvent): boolean {
    const intent = life.at(offset)
    if (!intent) return false
    return life.copiesBefore(intent, offset).every((earlier) => {
      const removedAt = life.stream.log.removedAt(earlier.offset)
      return removedAt !== undefined && !this.#hasRead(life.epoch, earlier, removedAt)
    })
  }

  #nothingBetween(life: JournalLife, from: number, before: number): void {
    const [lost] = this.#isPaced ? [] : life.due(this.subject, from, before)
    if (lost)
      this.#violated(
        'no silent loss',
        `${lost.intent.number} at ${lost.offset} is missing between ${from} and ${before}`,
      )
    const [unreported] = life.unreadableBetween(from, before)
    if (unreported !== undefined) this.#violated('a gap for the unreadable', `${unreported} was skipped without a gap`)
  }

  #gap(event: ReceivedEvent, life: JournalLife): void {
    const position = this.#position
    const refuse = (why: string): void => this.#violated(`a true gap (${event.reason})`, why)
    switch (event.reason) {
      case 'RETENTION':
        if (!position) return
        if (event.epoch !== position.epoch) refuse('it leads to another journal')
        else if (this.#isOrigin(position, event)) return
        else if (position.offset >= life.oldest) refuse(`${position.offset} still exists: oldest is ${life.oldest}`)
        else this.#afterRetention(position, event)
        return
      case 'JOURNAL_REPLACED':
        this.#numbers.clear()
        if (position && position.epoch === event.epoch) refuse('the journal is the same')
        else if (position && this.#truth.isEarlier(event.epoch, position.epoch))
          refuse(`it goes back from journal ${position.epoch} to ${event.epoch}`)
        return
      case 'INVALID_CURSOR':
        if (this.#resumedWith !== 'invalid') refuse('the cursor was issued by Warren')
        return
      case 'OVERFLOW': {
        if (this.policy !== 'CONFLATE' && this.policy !== 'DROP_OLDEST') return refuse(`the policy is ${this.policy}`)
        if (!position) return
        // A second copy counts only if the gateway never read the first one.
        const [first, all] = life.countOf(this.subject, position.next, nextOf(event))
        const { dropped = 0 } = event
        if (dropped < first || dropped > all) refuse(`${dropped} dropped, and ${first} to ${all} are missing`)
        return
      }
      case 'UNREADABLE':
        if (!life.unreadable.includes(event.offset)) return refuse(`${event.offset} is readable`)
        if (!position) return
        if (event.epoch !== position.epoch) return refuse('it leads to another journal')
        if (event.offset < position.next) return refuse(`${event.offset} was reported before`)
        return this.#onlyUnreadable(life, position.next, event.offset)
      default:
        refuse('unknown reason')
    }
  }

  #isOrigin(position: Position, event: ReceivedEvent): boolean {
    // The owner of a channel has nothing to do with a typed field.
    if (this.subject.typed) return false
    return this.#truth.origins.some(
      ({ channel, epoch, next }) =>
        channel === this.subject.channel && epoch === event.epoch && next === nextOf(event) && position.next < next,
    )
  }

  /** What still exists follows a gap because of retention. */
  #afterRetention(position: Position, event: ReceivedEvent): void {
    const next = nextOf(event)
    if (next < position.next) this.#violated('in order', `a gap goes back from ${position.next} to ${next}`)
  }

  #onlyUnreadable(life: JournalLife, from: number, before: number): void {
    // What is held back is delivered before a gap.
    const [lost] = this.#isPaced ? [] : life.due(this.subject, from, before)
    if (lost) this.#violated('no silent loss', `${lost.intent.number} at ${lost.offset} is hidden by an UNREADABLE gap`)
  }
}

function nextOf({ offset, before }: ReceivedEvent): number {
  return before ? offset : offset + 1
}

function positionOf(event: ReceivedEvent): Position {
  return { epoch: event.epoch, offset: event.offset, next: nextOf(event) }
}
