import { FairShares } from '../../../core/limits/fair-shares.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { JournalMessage, Publication } from '../../../core/model/message.ts'
import { GatewayError } from '../../../errors.ts'
import type { GatewayPublication } from '../../driver.ts'
import { bufferFull } from '../../refusals.ts'
import type { Attempt } from './pending-publish.ts'

/** In milliseconds. */
export const readBackTimings = {
  /** How often publications that have not come back are looked at. */
  lookMs: 250,
  /**
   * A confirmed publication is missed after so long; doubled with each time that it is published
   * again.
   */
  missedMs: 1_000,
}

export interface ReadBackParts {
  /** As `Publisher.publish`. */
  publish(publication: GatewayPublication, attempt: Attempt): Promise<void>
  /** A channel has confirmed what the journal does not have: others take its place. */
  renew(): void
  /** So many messages were confirmed and are not in the journal; they are published again. */
  onNotStored(messages: number): void
  /** How long a publication may take to come back, in milliseconds. */
  readonly timeoutMs: number
  /** What may be expected back at a time, in bytes of bodies and in messages; more is refused. */
  readonly maxBytes: number
  readonly maxMessages: number
  readonly timings?: Partial<typeof readBackTimings>
}

/** What the entry in the journal looks like, where that differs from what is published. */
type Entry = Pick<Publication, 'exchange' | 'routingKey' | 'body' | 'properties'>

interface Expected {
  readonly publication: GatewayPublication
  readonly key: string
  readonly body: Buffer
  readonly deadline: number
  entry: JournalMessage | undefined
  over: boolean
  /** When RabbitMQ has confirmed it, by the monotonic clock; undefined while it has not. */
  confirmedAt: number | undefined
  missed: number
  resolve(entry: JournalMessage | undefined): void
  reject(error: Error): void
}

/**
 * Publishes into the journal and waits until the journal's tail brings the entry back. What
 * RabbitMQ has confirmed and the journal does not have is published again under the same id.
 */
export class ReadBack {
  readonly #parts: ReadBackParts
  readonly #timings: typeof readBackTimings
  /** By what an entry is recognised by, in the order of the calls. */
  readonly #expected = new Map<string, Expected[]>()
  #fence: () => Promise<void> = () => Promise.reject(new Error('there is no journal yet'))
  #fencing = false
  readonly #bytes: FairShares
  readonly #messages: FairShares
  #looking: NodeJS.Timeout | undefined

  constructor(parts: ReadBackParts) {
    this.#parts = parts
    this.#timings = { ...readBackTimings, ...parts.timings }
    this.#bytes = new FairShares(parts.maxBytes)
    this.#messages = new FairShares(parts.maxMessages)
  }

  /**
   * How to wait until the tail has delivered everything that RabbitMQ has confirmed before the
   * call.
   */
  useFence(fence: () => Promise<void>): void {
    this.#fence = fence
  }

  /** Bytes of the bodies that are expected back. */
  get expectedBytes(): number {
    return this.#bytes.used
  }

  /** As `Broker.publish`. `entry`: what the journal will hold. */
  publish(publication: GatewayPublication, entry: Entry = publication): Promise<JournalMessage | undefined> {
    const { payer, body } = publication
    if (!this.#messages.hasRoom(payer, 1) || !this.#bytes.hasRoom(payer, body.length)) {
      const { maxBytes, maxMessages } = this.#parts
      return Promise.reject(bufferFull(maxBytes, maxMessages, 'the journal does not bring them back yet'))
    }
    this.#bytes.add(payer, body.length)
    this.#messages.add(payer, 1)
    return new Promise((resolve, reject) => {
      const expected: Expected = {
        publication,
        key: keyOf(entry.exchange ?? '', entry.routingKey, entry.properties.messageId),
        body: entry.body,
        deadline: performance.now() + this.#parts.timeoutMs,
        entry: undefined,
        over: false,
        confirmedAt: undefined,
        missed: 0,
        resolve,
        reject,
      }
      const same = this.#expected.get(expected.key)
      if (same) same.push(expected)
      else this.#expected.set(expected.key, [expected])
      this.#looking ??= setInterval(() => this.#look(), this.#timings.lookMs)
      this.#send(expected)
    })
  }

  /** The tail has brought this entry. */
  saw(entry: JournalMessage): void {
    if (this.#expected.size === 0) return
    const same = this.#expected.get(keyOf(entry.exchange, entry.routingKey, entry.properties.messageId))
    const found = same?.find(({ body }) => body.equals(entry.body))
    if (!found) return
    found.entry = entry
    this.#end(found)
    found.resolve(entry)
  }

  #send(expected: Expected): void {
    const isStored = (): boolean => expected.entry !== undefined
    this.#parts.publish(expected.publication, { repeated: expected.missed > 0, isStored }).then(
      () => {
        expected.confirmedAt = performance.now()
      },
      (error: unknown) => this.#fail(expected, asError(error)),
    )
  }

  #fail(expected: Expected, error: Error): void {
    if (expected.over) return
    this.#end(expected)
    expected.reject(error)
  }

  #end(expected: Expected): void {
    expected.over = true
    const { payer, body } = expected.publication
    this.#bytes.add(payer, -body.length)
    this.#messages.add(payer, -1)
    const same = this.#expected.get(expected.key)
    if (!same) return
    if (same.length === 1) this.#expected.delete(expected.key)
    else same.splice(same.indexOf(expected), 1)
  }

  #look(): void {
    if (this.#expected.size === 0) {
      clearInterval(this.#looking)
      this.#looking = undefined
      return
    }
    const now = performance.now()
    const missed: Expected[] = []
    for (const expected of [...this.#expected.values()].flat()) {
      const { confirmedAt, publication } = expected
      if (confirmedAt === undefined) continue
      if (now >= expected.deadline) this.#giveUp(expected)
      // The queue of a buffered source holds it safely, however long the way into the journal
      // takes.
      else if (publication.into === 'journal') {
        if (now - confirmedAt >= this.#timings.missedMs * 2 ** expected.missed) missed.push(expected)
      }
    }
    if (missed.length > 0) void this.#publishAgain(missed)
  }

  /**
   * A mark that is published now comes behind all that is stored: what did not come before it is
   * not there.
   */
  async #publishAgain(missed: readonly Expected[]): Promise<void> {
    if (this.#fencing) return
    this.#fencing = true
    try {
      await this.#fence()
    } catch {
      // The tail is away; when it is back it goes on where it was.
      return
    } finally {
      this.#fencing = false
    }
    const lost = missed.filter(({ over }) => !over)
    if (lost.length === 0) return
    this.#parts.renew()
    this.#parts.onNotStored(lost.length)
    for (const expected of lost) {
      expected.missed += 1
      expected.confirmedAt = undefined
      this.#send(expected)
    }
  }

  #giveUp(expected: Expected): void {
    this.#end(expected)
    if (expected.publication.into === 'buffer') return expected.resolve(undefined)
    const { timeoutMs } = this.#parts
    const exchange = expected.publication.exchange ?? ''
    const text = `RabbitMQ has confirmed the message, and the journal has not brought it back within ${timeoutMs} ms: the journal may be away, or exchange "${exchange}" is no longer bound to it. Publish again under the same message id`
    expected.reject(new GatewayError('BROKER_UNAVAILABLE', text))
  }
}

/** A lone surrogate comes back as U+FFFD. */
function keyOf(exchange: string, routingKey: string, messageId: string | undefined): string {
  const key = `${messageId ?? ''}\n${routingKey}\n${exchange}`
  return /[\ud800-\udfff]/.test(key) ? Buffer.from(key).toString() : key
}
