import { FairShares } from '../../../core/limits/fair-shares.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage, Publication } from '../../../core/model/message.ts'
import { GatewayError } from '../../../errors.ts'
import type { GatewayPublication } from '../../driver.ts'
import { bufferFull } from '../../refusals.ts'
import type { Attempt } from './pending-publish.ts'

/** In milliseconds. */
export const readBackTimings = {
  /** The interval of the check for messages that have not arrived in the journal. */
  checkMs: 250,
  /**
   * How long after its confirm a message counts as missing. Doubled each time that it is published
   * again.
   */
  missingMs: 1_000,
}

export interface ReadBackOptions {
  /** See `Publisher.publish`. */
  publish(publication: GatewayPublication, attempt: Attempt): Promise<void>
  /**
   * Called if a channel has confirmed a message that the journal does not have. The publisher
   * replaces such channels.
   */
  renew(): void
  /**
   * Called with the number of messages that were confirmed and are not in the journal. They are
   * published again.
   */
  onNotStored(messages: number): void
  /** How long a message may take to arrive in the journal, in milliseconds. */
  readonly timeoutMs: number
  /** The maximum that may be outstanding, in bytes of bodies and in messages; more is refused. */
  readonly maxBytes: number
  readonly maxMessages: number
  readonly timings?: Partial<typeof readBackTimings>
}

/** The entry as the journal will hold it, if it differs from the published message. */
type Entry = Pick<Publication, 'exchange' | 'routingKey' | 'body' | 'properties'>

interface Expected {
  readonly publication: GatewayPublication
  readonly key: string
  readonly body: Buffer
  readonly deadline: number
  entry: JournalMessage | undefined
  finished: boolean
  /** When RabbitMQ confirmed it, by the monotonic clock; undefined before. */
  confirmedAt: number | undefined
  timesMissing: number
  resolve(entry: JournalMessage | undefined): void
  reject(error: Error): void
}

/**
 * Publishes to the journal and waits until the journal's tail receives the entry. If RabbitMQ has
 * confirmed a message that the journal does not have, it is published again with the same id.
 */
export class ReadBack {
  readonly #options: ReadBackOptions
  readonly #timings: typeof readBackTimings
  /** The key that identifies an entry → the expected entries, in the order of the calls. */
  readonly #expected = new Map<string, Expected[]>()
  #fence: () => Promise<void> = () => Promise.reject(new Error('the journal is not open yet'))
  #fencing = false
  readonly #bytes: FairShares
  readonly #messages: FairShares
  #timer: NodeJS.Timeout | undefined

  constructor(options: ReadBackOptions) {
    this.#options = options
    this.#timings = { ...readBackTimings, ...options.timings }
    this.#bytes = new FairShares(options.maxBytes)
    this.#messages = new FairShares(options.maxMessages)
  }

  /**
   * `fence` resolves when the tail has delivered everything that RabbitMQ confirmed before the
   * call.
   */
  useFence(fence: () => Promise<void>): void {
    this.#fence = fence
  }

  /** The bytes of the bodies that are outstanding. */
  get expectedBytes(): number {
    return this.#bytes.used
  }

  /** See `Broker.publish`. `entry` is what the journal will hold. */
  publish(publication: GatewayPublication, entry: Entry = publication): Promise<JournalMessage | undefined> {
    const { payer, body } = publication
    if (!this.#messages.hasRoom(payer, 1) || !this.#bytes.hasRoom(payer, body.length)) {
      const { maxBytes, maxMessages } = this.#options
      return Promise.reject(bufferFull(maxBytes, maxMessages, 'the journal has not received them yet'))
    }
    this.#bytes.add(payer, body.length)
    this.#messages.add(payer, 1)
    return new Promise((resolve, reject) => {
      const expected: Expected = {
        publication,
        key: keyOf(entry.exchange ?? '', entry.routingKey, entry.properties.messageId),
        body: entry.body,
        deadline: performance.now() + this.#options.timeoutMs,
        entry: undefined,
        finished: false,
        confirmedAt: undefined,
        timesMissing: 0,
        resolve,
        reject,
      }
      const same = this.#expected.get(expected.key)
      if (same) same.push(expected)
      else this.#expected.set(expected.key, [expected])
      this.#timer ??= setInterval(() => this.#check(), this.#timings.checkMs)
      this.#send(expected)
    })
  }

  /** Called for each entry that the tail delivers. */
  onJournalEntry(entry: JournalMessage): void {
    if (this.#expected.size === 0) return
    const same = this.#expected.get(keyOf(entry.exchange, entry.routingKey, entry.properties.messageId))
    const found = same?.find(({ body }) => body.equals(entry.body))
    if (!found) return
    found.entry = entry
    this.#remove(found)
    found.resolve(entry)
  }

  #send(expected: Expected): void {
    const isStored = (): boolean => expected.entry !== undefined
    this.#options.publish(expected.publication, { repeated: expected.timesMissing > 0, isStored }).then(
      () => {
        expected.confirmedAt = performance.now()
      },
      (error: unknown) => this.#fail(expected, asError(error)),
    )
  }

  #fail(expected: Expected, error: Error): void {
    if (expected.finished) return
    this.#remove(expected)
    expected.reject(error)
  }

  #remove(expected: Expected): void {
    expected.finished = true
    const { payer, body } = expected.publication
    this.#bytes.add(payer, -body.length)
    this.#messages.add(payer, -1)
    const same = this.#expected.get(expected.key)
    if (!same) return
    if (same.length === 1) this.#expected.delete(expected.key)
    else same.splice(same.indexOf(expected), 1)
  }

  #check(): void {
    if (this.#expected.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const now = performance.now()
    const missing: Expected[] = []
    for (const expected of [...this.#expected.values()].flat()) {
      const { confirmedAt, publication } = expected
      if (confirmedAt === undefined) continue
      if (now >= expected.deadline) this.#giveUp(expected)
      // The queue of a buffered source keeps the message, however long the move to the journal
      // takes.
      else if (publication.into === 'journal') {
        if (now - confirmedAt >= this.#timings.missingMs * 2 ** expected.timesMissing) missing.push(expected)
      }
    }
    if (missing.length > 0) void this.#publishAgain(missing)
  }

  /**
   * A mark that is published now is stored after everything that was stored before. So a message
   * that has not arrived before the mark is not in the journal.
   */
  async #publishAgain(missing: readonly Expected[]): Promise<void> {
    if (this.#fencing) return
    this.#fencing = true
    try {
      await this.#fence()
    } catch {
      // The tail is down. When it is up again, it continues where it was.
      return
    } finally {
      this.#fencing = false
    }
    const lost = missing.filter(({ finished }) => !finished)
    if (lost.length === 0) return
    this.#options.renew()
    this.#options.onNotStored(lost.length)
    for (const expected of lost) {
      expected.timesMissing += 1
      expected.confirmedAt = undefined
      this.#send(expected)
    }
  }

  #giveUp(expected: Expected): void {
    this.#remove(expected)
    if (expected.publication.into === 'buffer') return expected.resolve(undefined)
    const { timeoutMs } = this.#options
    const exchange = expected.publication.exchange ?? ''
    const text = `RabbitMQ has confirmed the message, but the journal has not received it within ${timeoutMs} ms: the journal may be unavailable, or exchange "${exchange}" is no longer bound to it. Publish again with the same message id`
    expected.reject(new GatewayError('BROKER_UNAVAILABLE', text))
  }
}

/** A lone surrogate comes back as U+FFFD. */
function keyOf(exchange: string, routingKey: string, messageId: string | undefined): string {
  const key = `${messageId ?? ''}\n${routingKey}\n${exchange}`
  return /[\ud800-\udfff]/.test(key) ? Buffer.from(key).toString() : key
}
