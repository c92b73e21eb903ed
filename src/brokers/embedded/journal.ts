import { randomBytes } from 'node:crypto'
import { TimeSlice } from '../../core/delivery/time-slice.ts'
import type { Message } from '../../core/model/message.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import { type Journal, type JournalTail, JournalTruncated, type MarkNote } from '../../core/ports/journal.ts'
import { ChunkedHotWindow, type WindowBounds } from '../../hot-window/hot-window.ts'
import { markEvery, markIntervalMs } from '../../hot-window/marks.ts'

/** The maximum that is kept in memory, whatever the retention is, in bytes. */
const maxMemoryBytes = 128 * 1024 * 1024
/** Entries that a scan visits before it yields to other work. */
const sliceEntries = 1_000

/**
 * The journal of the embedded broker: a ring in the memory of this process, with a new epoch at
 * each start. Nothing survives the process. In all other respects it behaves like a stream.
 */
export class EmbeddedJournal implements Journal {
  /** A publish is stored at once or refused, so it is never repeated. */
  readonly repeats = false
  readonly #entries: ChunkedHotWindow
  #offset = 0
  #tail: JournalTail | undefined
  #stopMarks: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  constructor(retention: WindowBounds) {
    this.#entries = new ChunkedHotWindow({
      maxAgeMs: retention.maxAgeMs,
      maxBytes: Math.min(retention.maxBytes, maxMemoryBytes),
    })
  }

  /** The end of the journal, for the gateway that tails it. */
  hotWindow(bounds: WindowBounds): ChunkedHotWindow {
    return new ChunkedHotWindow(bounds, this.#entries)
  }

  open(tail: JournalTail): void {
    this.#tail = tail
    void tail.onEpoch(randomBytes(8).toString('hex'))
    tail.onPresent()
    this.#append(markOf(), true)
    tail.onUp()
    this.#stopMarks = markEvery(
      () => Date.now() - (this.#entries.last?.receivedAt ?? 0) < markIntervalMs,
      () => this.#append(markOf(), true),
    )
  }

  /**
   * Called for each message that the embedded broker routes to a source. Returns its entry, or
   * undefined if the journal is not open.
   */
  append(message: Message): WindowEntry | undefined {
    return this.#append(message, false)
  }

  mark(note?: MarkNote): Promise<void> {
    this.#append(markOf(note), true)
    return Promise.resolve()
  }

  async scan(offset: number, visit: (entry: WindowEntry) => boolean, signal: AbortSignal): Promise<void> {
    let at = offset - 1
    let started = false
    while (!signal.aborted) {
      // New entries may be added between two slices. The offsets of the ring have no holes.
      const { first } = this.#entries
      if (started && first !== undefined && first > at + 1) throw new JournalTruncated('retention overtook a scan')
      let left = sliceEntries
      const slice = new TimeSlice()
      let wanted = true
      this.#entries.visit(at, (entry) => {
        at = entry.offset
        started = true
        wanted = visit(entry)
        left = slice.isOver ? 0 : left - 1
        return wanted && left > 0
      })
      if (!wanted) return
      if (left > 0) await this.#nextEntry(signal)
      else await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async offsetAt(timestampMs: number): Promise<number | undefined> {
    let found: number | undefined
    this.#entries.visit(-1, ({ offset, receivedAt }) => {
      if (receivedAt >= timestampMs) found = offset
      return found === undefined
    })
    return found
  }

  close(): Promise<void> {
    this.#stopMarks?.()
    this.#tail = undefined
    for (const wake of this.#waiting) wake()
    return Promise.resolve()
  }

  #append(message: Message, mark: boolean): WindowEntry | undefined {
    if (!this.#tail) return undefined
    const entry: WindowEntry = {
      offset: this.#offset,
      mark,
      exchange: message.exchange,
      routingKey: message.routingKey,
      body: message.body,
      properties: message.properties,
      redelivered: message.redelivered,
      receivedAt: message.receivedAt,
      decoded: undefined,
      known: undefined,
      outcomes: undefined,
      slot: 0,
    }
    this.#offset += 1
    this.#entries.add(entry)
    this.#tail.onMessage(entry)
    for (const wake of this.#waiting) wake()
    return entry
  }

  #nextEntry(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
    })
  }
}

function markOf(note?: MarkNote): Message {
  return {
    exchange: '',
    routingKey: '',
    body: note ? Buffer.from(JSON.stringify(note)) : Buffer.alloc(0),
    properties: {},
    redelivered: false,
    receivedAt: Date.now(),
  }
}
