import type { SimulatedRabbit } from './rabbit.ts'
import type { ServerChannel } from './server-channel.ts'
import { type NewMessage, type StoredMessage, StreamLog } from './stream-log.ts'

/** A consumer of a stream: a position and its credit. */
export interface StreamReader {
  readonly channel: ServerChannel
  readonly tag: string
  /** The index of the next message. */
  index: number
  /** Messages before this offset are skipped without notice. */
  readonly from: number
  unacknowledged: number
}

interface Uncommitted {
  readonly message: NewMessage
  /** Whether the channel also confirms messages that do not go to this stream. */
  readonly isShared: () => boolean
  readonly stored: () => void
}

/** A stream of one declaration. */
export class StreamQueue {
  readonly name: string
  readonly log: StreamLog
  readonly readers = new Set<StreamReader>()
  readonly #rabbit: SimulatedRabbit
  #uncommitted: Uncommitted[] = []
  #commitPending = false
  #isDeleted = false

  constructor(rabbit: SimulatedRabbit, name: string) {
    this.#rabbit = rabbit
    this.name = name
    this.log = new StreamLog(rabbit.limitsOf(name))
  }

  publish(message: NewMessage, isShared: () => boolean, stored: () => void): void {
    this.#uncommitted.push({ message, isShared, stored })
    this.commitSoon()
  }

  /**
   * RabbitMQ 4 sends uncommitted messages to the next leader. RabbitMQ 3 drops them: it confirms
   * those of a channel that it shares with other queues, and never answers the others.
   */
  leaderChanged(): void {
    if (this.#rabbit.version === 3) {
      const lost = this.#uncommitted
      this.#uncommitted = []
      for (const { isShared, stored } of lost) if (isShared()) stored()
    }
    this.commitSoon()
  }

  commitSoon(): void {
    if (this.#commitPending || this.#uncommitted.length === 0) return
    this.#commitPending = true
    const { clock, random } = this.#rabbit
    clock.at(random.scaled(0.1, 2), () => this.#commit(), 0)
  }

  /** Where a consumer begins (`x-stream-offset`), as an index and the first offset it receives. */
  startOf(offset: unknown): { readonly index: number; readonly from: number } {
    const { log } = this
    if (offset === 'first') return { index: log.removed, from: 0 }
    if (offset === 'next') return { index: log.end, from: 0 }
    // An offset that retention removed starts later; one beyond the end waits and skips.
    if (typeof offset === 'number') return { index: log.indexOf(offset), from: offset }
    const { value } = offset as { readonly value: number }
    // The chunk that contains the time may begin a little earlier.
    const index = log.indexAt(value * 1000) - this.#rabbit.random.whole(0, 2)
    return { index: Math.max(log.removed, index), from: 0 }
  }

  /** Sends what the reader's credit allows. */
  pump(reader: StreamReader): void {
    const { channel } = reader
    if (!this.readers.has(reader) || !this.#rabbit.mayRead(channel.connection.node)) return
    const { log } = this
    const batch: StoredMessage[] = []
    let blocked = false
    while (reader.unacknowledged + batch.length < channel.prefetch) {
      if (reader.index < log.removed) reader.index = log.removed
      const message = log.at(reader.index)
      if (!message) break
      if (message.unreadable) {
        blocked = message.offset >= reader.from
        if (blocked) break
      }
      reader.index += 1
      if (message.offset >= reader.from) batch.push(message)
    }
    // Of the messages in flight before it, some are lost with the connection.
    const sent = blocked ? batch.slice(0, this.#rabbit.random.whole(0, batch.length)) : batch
    reader.unacknowledged += sent.length
    const acknowledged = (): void => {
      reader.unacknowledged -= 1
    }
    for (const message of sent) channel.deliver(reader.tag, message, acknowledged)
    if (blocked) this.#rabbit.failConsumer(channel.connection)
  }

  /** What is not stored yet is dropped, and its publishers get no answer. */
  delete(): void {
    this.#isDeleted = true
    this.cancelReaders()
  }

  cancelReaders(): void {
    for (const { channel, tag } of this.readers) channel.cancelled(tag)
    this.readers.clear()
  }

  #commit(): void {
    this.#commitPending = false
    if (this.#isDeleted || this.#rabbit.leaderless || this.#uncommitted.length === 0) return
    const committed = this.#uncommitted
    this.#uncommitted = []
    const { now } = this.#rabbit.clock
    for (const { message } of committed) this.#rabbit.onStored(this, this.log.append(message, now))
    for (const reader of this.readers) this.pump(reader)
    for (const { stored } of committed) stored()
  }
}
