import { randomBytes } from 'node:crypto'
import { TimeSlice } from '../../core/delivery/time-slice.ts'
import { errorText } from '../../core/model/error-text.ts'
import type { Message } from '../../core/model/message.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import { type Journal, type JournalTail, JournalTruncated, type MarkNote, markBody } from '../../core/ports/journal.ts'
import { GatewayError } from '../../errors.ts'
import { ChunkedHotWindow, type WindowBounds } from '../../hot-window/hot-window.ts'
import { markEvery, markIntervalMs } from '../../hot-window/marks.ts'
import { JournalFile } from './journal-file.ts'

/** The maximum that is kept in memory, whatever the retention is, in bytes. */
const maxMemoryBytes = 128 * 1024 * 1024
/** Entries that a scan visits before it yields to other work. */
const sliceEntries = 1_000

/**
 * The journal of the embedded broker: a ring in the memory of this process. Without a folder it has
 * a new epoch at each start, and nothing survives the process. With one, each entry is in its file
 * before it is delivered, and the next process continues. In all other respects it behaves like a
 * stream.
 */
export class EmbeddedJournal implements Journal {
  /** A publish is stored at once or refused, so it is never repeated. */
  readonly repeats = false
  readonly #entries: ChunkedHotWindow
  readonly #file: JournalFile | undefined
  #offset = 0
  #isOpen = false
  #isClosed = false
  #tail: JournalTail | undefined
  #stopMarks: (() => void) | undefined
  readonly #waiting = new Set<() => void>()

  constructor(retention: WindowBounds, folder?: string) {
    const maxBytes = Math.min(retention.maxBytes, maxMemoryBytes)
    this.#entries = new ChunkedHotWindow({ maxAgeMs: retention.maxAgeMs, maxBytes })
    this.#file = folder === undefined ? undefined : new JournalFile(folder, { maxBytes })
  }

  /** The end of the journal, for the gateway that tails it. */
  hotWindow(bounds: WindowBounds): ChunkedHotWindow {
    return new ChunkedHotWindow(bounds, this.#entries)
  }

  open(tail: JournalTail): void {
    this.#tail = tail
    const stored = this.#file?.open()
    const ready = tail.onEpoch(stored?.epoch ?? randomBytes(8).toString('hex'))
    if (!stored || stored.entries.length === 0) return this.#begin(tail)
    void ready.then(() => {
      if (this.#tail !== tail) return
      this.#offset = stored.first
      for (const { mark, message } of stored.entries) this.#deliver(message, mark, tail)
      this.#begin(tail)
    })
  }

  #begin(tail: JournalTail): void {
    this.#isOpen = true
    tail.onPresent()
    this.#append(markOf(), true)
    tail.onUp()
    this.#stopMarks = markEvery(
      () => Date.now() - (this.#entries.last?.receivedAt ?? 0) < markIntervalMs,
      () => void this.mark().catch(() => undefined),
    )
  }

  /**
   * Called for each message that the embedded broker routes to a source. Returns its entry, or
   * undefined if the journal is not open. Throws `BROKER_UNAVAILABLE` if the file cannot be
   * written.
   */
  append(message: Message): WindowEntry | undefined {
    return this.#append(message, false)
  }

  async mark(note?: MarkNote): Promise<void> {
    if (!this.#append(markOf(note), true)) throw closed()
  }

  async scan(offset: number, visit: (entry: WindowEntry) => boolean, signal: AbortSignal): Promise<void> {
    let at = offset - 1
    let started = false
    while (!signal.aborted) {
      if (this.#isClosed) throw closed()
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
    this.#isClosed = true
    this.#stopMarks?.()
    this.#tail = undefined
    this.#file?.close()
    for (const wake of this.#waiting) wake()
    return Promise.resolve()
  }

  #append(message: Message, mark: boolean): WindowEntry | undefined {
    if (!this.#tail || !this.#isOpen) return undefined
    try {
      this.#file?.append(this.#offset, { mark, message })
    } catch (error) {
      throw new GatewayError('BROKER_UNAVAILABLE', `the journal cannot be written: ${errorText(error)}`)
    }
    return this.#deliver(message, mark, this.#tail)
  }

  #deliver(message: Message, mark: boolean, tail: JournalTail): WindowEntry {
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
      detach: undefined,
    }
    this.#offset += 1
    this.#entries.add(entry)
    tail.onMessage(entry)
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

function closed(): GatewayError {
  return new GatewayError('BROKER_UNAVAILABLE', 'this process has closed the journal, or not opened it yet')
}

function markOf(note?: MarkNote): Message {
  return {
    exchange: '',
    routingKey: '',
    body: markBody(note),
    properties: {},
    redelivered: false,
    receivedAt: Date.now(),
  }
}
