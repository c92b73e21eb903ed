import { forgetBody } from '../body/decode-body.ts'
import { Deduplicator } from '../delivery/deduplicator.ts'
import { errorText } from '../model/error-text.ts'
import type { JournalMessage } from '../model/message.ts'
import type { InvalidEvent } from '../ports/event-matcher.ts'
import type { WindowEntry } from '../ports/hot-window.ts'
import { type Journal, JournalReplaced, JournalTruncated } from '../ports/journal.ts'
import type { Observer } from '../ports/observer.ts'
import { pause } from '../timing/pause.ts'
import type { StateCounters } from './state-counters.ts'
import type { StateDefinition } from './state-definition.ts'
import { RunningFold } from './state-fold.ts'
import { StateRetention } from './state-retention.ts'
import type { StateStore } from './state-store.ts'

/** How long a replica has a state for itself without renewing its lease, in milliseconds. */
const leaseMs = 10_000
/** How often a lease is renewed, and free ones are claimed, in milliseconds. */
const renewMs = 3_000
/** How often what was read is written at least near the end of the journal, in milliseconds. */
const writeMs = 100
/**
 * The same while many entries are still to be read, and how often the place of an idle journal is
 * written, in milliseconds.
 */
const placeMs = 1_000
/**
 * What is written in one transaction, at most. Keys come in any order, so each row changes pages of
 * the database that few other rows change: the more rows, the more of them share a page.
 */
const batchRows = 10_000
const batchBytes = 8 * 1024 * 1024
/** Pause after a failure, and while there is nothing to do, in milliseconds. */
const retryMs = 1_000
const idleMs = 250
/** As in `CatchUp`: the deduplicator then knows messages that were published twice. */
const lookBackOffsets = 1_000

export interface StateFolderContext {
  readonly journal: Journal
  readonly store: StateStore
  /** The name of this replica. */
  readonly replica: string
  readonly observer: Pick<Observer, 'log'>
  /** Of the schema that is served now. */
  readonly definitions: () => readonly StateDefinition[]
  /** The epoch while the journal is up. */
  readonly epoch: () => string | undefined
  /** The newest entry that the tail has read. */
  readonly lastOffset: () => number | undefined
  readonly cursorOf: (entry: JournalMessage) => string
  /** A message does not fit the type of the field. May be called again for the same entry. */
  readonly onInvalid: (entry: WindowEntry, invalid: InvalidEvent) => void
  /** Read at each use. */
  readonly limits: StateLimits
  readonly counters: StateCounters
}

/** The bounds of the state of one field. */
export interface StateLimits {
  readonly maxStateKeys: number
  readonly maxStateBytes: number
}

/**
 * Folds the journal into keyed state. Of all replicas, the one with the lease of a state folds it,
 * and each write checks that it still has it. It reads the journal by itself, so it neither needs
 * nor delays the tail.
 */
export class StateFolder {
  readonly #context: StateFolderContext
  readonly #closing = new AbortController()
  readonly #retention: StateRetention
  #folds: readonly RunningFold[] = []
  /** The ids of states that exceed their bounds, as far as this replica found that. */
  readonly #full = new Set<string>()
  #running: Promise<void> | undefined
  #deduplicator: { readonly epoch: string; readonly of: Deduplicator } | undefined
  #scanning: AbortController | undefined
  #writing: Promise<void> | undefined
  #failure: unknown

  constructor(context: StateFolderContext) {
    this.#context = context
    this.#retention = new StateRetention(context.store, this.#closing.signal)
  }

  open(): void {
    this.#running = this.#run()
  }

  /** The states that this replica folds now. */
  get folds(): readonly RunningFold[] {
    return this.#folds
  }

  /** Whether this replica found that the state exceeds its bounds. */
  isFull(id: string): boolean {
    return this.#full.has(id)
  }

  /** Writes what was read, and gives its leases back. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#scanning?.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    let isFailing = false
    while (!signal.aborted) {
      try {
        const hasWorked = await this.#turn()
        isFailing = false
        if (!hasWorked) await pause(idleMs, signal)
      } catch (error) {
        if (!isFailing && !signal.aborted)
          this.#context.observer.log('warn', `keyed state is not folded at the moment: ${errorText(error)}`)
        isFailing = true
        await pause(retryMs, signal)
      }
    }
    await this.#releaseAll()
  }

  /** False: there is nothing to fold. */
  async #turn(): Promise<boolean> {
    const epoch = this.#context.epoch()
    const definitions = this.#context.definitions()
    if (epoch === undefined || definitions.length === 0) return false
    this.#folds = await this.#claim(definitions, epoch)
    if (this.#folds.length === 0) return false
    try {
      await this.#scan(this.#folds, epoch)
      return true
    } catch (error) {
      // Retention overtook the fold, or the journal has a new epoch: the next turn reads its place.
      if (error instanceof JournalTruncated || error instanceof JournalReplaced) return false
      throw error
    }
  }

  async #claim(definitions: readonly StateDefinition[], epoch: string): Promise<RunningFold[]> {
    const folds: RunningFold[] = []
    let endsAt: number | undefined
    for (const definition of definitions) {
      const lease = await this.#lease(definition)
      if (!lease) continue
      let { head } = lease
      if (head.epoch !== epoch) {
        const begun = await this.#context.store.reset(definition.id, lease.fence, epoch)
        if (!begun) continue
        head = begun
      }
      if (head.full && this.#isFull(head)) continue
      if (!head.built && endsAt === undefined) {
        await this.#context.journal.mark()
        endsAt = this.#context.lastOffset() ?? 0
      }
      const { onInvalid } = this.#context
      folds.push(new RunningFold(definition, { ...lease, head }, { epoch, endsAt: endsAt ?? 0, onInvalid }))
    }
    return folds
  }

  async #lease({ id, field }: StateDefinition): ReturnType<StateStore['lease']> {
    const now = Date.now()
    const lease = await this.#context.store.lease({
      id,
      field,
      holder: this.#context.replica,
      now,
      until: now + leaseMs,
    })
    // Only the holder of the lease knows.
    if (lease?.head.full && this.#isFull(lease.head)) this.#full.add(id)
    else this.#full.delete(id)
    return lease
  }

  async #scan(folds: readonly RunningFold[], epoch: string): Promise<void> {
    const scanning = new AbortController()
    this.#scanning = scanning
    this.#failure = undefined
    const isKnown = this.#deduplicator?.epoch === epoch
    const deduplicator =
      isKnown && this.#deduplicator ? this.#deduplicator.of : new Deduplicator(this.#context.journal.repeats)
    this.#deduplicator = { epoch, of: deduplicator }
    const begin = Math.min(...folds.map(({ offset }) => offset))
    let isFirst = true
    const visit = (entry: WindowEntry): boolean => {
      const isRepeat = deduplicator.record(entry)
      const isSilent = isRepeat || entry.mark || entry.unreadable === true
      for (const fold of folds) fold.visit(entry, isFirst, isSilent, () => this.#context.cursorOf(entry))
      // Thousands of entries wait for one transaction: what was read of their bodies is not kept.
      // An entry that shares memory does not wait, and others may read it.
      if (!entry.detach) forgetBody(entry)
      isFirst = false
      return !scanning.signal.aborted && this.#continues(folds, epoch)
    }
    const stopTimers = this.#startTimers(folds, epoch, scanning)
    try {
      if (!this.#closing.signal.aborted)
        await this.#context.journal.scan(Math.max(0, begin - (isKnown ? 0 : lookBackOffsets)), visit, scanning.signal)
    } finally {
      stopTimers()
      await this.#write(folds, epoch)
      this.#scanning = undefined
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** False: so much waits to be written that reading pauses, or no fold continues. */
  #continues(folds: readonly RunningFold[], epoch: string): boolean {
    let rows = 0
    let bytes = 0
    let isAlive = false
    for (const fold of folds) {
      rows += fold.waitingRows
      bytes += fold.bytes
      isAlive ||= fold.end === undefined
    }
    if (!isAlive) return false
    if (rows < batchRows && bytes < batchBytes) return true
    if (this.#writing) return false
    void this.#write(folds, epoch)
    return true
  }

  #startTimers(folds: readonly RunningFold[], epoch: string, scanning: AbortController): () => void {
    let placedAt = 0
    const writing = setInterval(() => {
      const now = Date.now()
      const isDue = now - placedAt >= placeMs
      if (!isDue && (this.#isFarBehind(folds) || folds.every(({ waitingRows }) => waitingRows === 0))) return
      placedAt = now
      void this.#write(folds, epoch)
    }, writeMs)
    const renewing = setInterval(() => void this.#renew(folds, scanning), renewMs)
    return () => {
      clearInterval(writing)
      clearInterval(renewing)
    }
  }

  #isFarBehind(folds: readonly RunningFold[]): boolean {
    const last = this.#context.lastOffset() ?? 0
    return folds.some(({ end, offset }) => end === undefined && last - offset > batchRows)
  }

  /** Never rejects: a failure ends the scan, and the fold continues from what is stored. */
  #write(folds: readonly RunningFold[], epoch: string): Promise<void> {
    const before = this.#writing ?? Promise.resolve()
    const written = before
      .then(() => this.#writeAll(folds, epoch))
      .catch((error: unknown) => {
        this.#failure ??= error
        this.#scanning?.abort()
      })
      .finally(() => {
        if (this.#writing === written) this.#writing = undefined
      })
    this.#writing = written
    return written
  }

  async #writeAll(folds: readonly RunningFold[], epoch: string): Promise<void> {
    const current = this.#context.epoch()
    for (const fold of folds) {
      if (fold.end === 'replaced') await this.#rebuild(fold, epoch)
      if (this.#failure !== undefined || !fold.hasNews) continue
      // What was read may be of a journal that is gone.
      if (current !== undefined && current !== epoch) throw new JournalReplaced('the journal has a new epoch')
      if (fold.missed) this.#reportMissed(fold)
      const head = await this.#fold(fold, false)
      if (!head || !this.#isFull(head)) continue
      this.#reportFull(fold)
      await this.#fold(fold, true)
      fold.end = 'full'
    }
  }

  async #fold(fold: RunningFold, full: boolean): Promise<RunningFold['head'] | undefined> {
    const now = Date.now()
    const { folded } = fold
    const head = await this.#context.store.fold(fold.take(now, now + leaseMs, full))
    if (head) {
      fold.head = head
      this.#context.counters.of(fold.definition.field).folded += folded - fold.stored
      fold.stored = folded
    } else this.#endFold(fold)
    return head
  }

  /** Another replica has the lease. */
  #endFold(fold: RunningFold): void {
    fold.end = 'lease lost'
    this.#context.observer.log('info', 'another replica folds the keyed state of a field now', {
      field: fold.definition.field,
    })
  }

  async #rebuild(fold: RunningFold, epoch: string): Promise<void> {
    const { field, id } = fold.definition
    this.#context.observer.log(
      'warn',
      'the journal is not the one that keyed state was folded from: it is built again',
      {
        field,
      },
    )
    await this.#context.store.reset(id, fold.fence, epoch)
    fold.end = 'lease lost'
    this.#scanning?.abort()
  }

  #isFull({ keys, bytes }: { readonly keys: number; readonly bytes: number }): boolean {
    const { maxStateKeys, maxStateBytes } = this.#context.limits
    return keys > maxStateKeys || bytes > maxStateBytes
  }

  #reportFull({ definition: { field, id }, head }: RunningFold): void {
    this.#full.add(id)
    const { maxStateKeys, maxStateBytes } = this.#context.limits
    this.#context.observer.log(
      'error',
      'the keyed state of a field exceeds WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, so it is neither folded nor served: raise them, or set keep in @state',
      { field, keys: head.keys, bytes: head.bytes, maxStateKeys, maxStateBytes },
    )
  }

  #reportMissed({ definition: { field } }: RunningFold): void {
    this.#context.counters.of(field).missed += 1
    this.#context.observer.log(
      'warn',
      'retention deleted messages that were not folded into keyed state: their keys keep an older value until their next message',
      { field },
    )
  }

  /** Renews leases that no write has renewed, and claims those that are free. */
  async #renew(folds: readonly RunningFold[], scanning: AbortController): Promise<void> {
    try {
      for (const definition of this.#context.definitions()) {
        const fold = folds.find((one) => one.definition.id === definition.id && one.end !== 'lease lost')
        if (fold?.end === 'full') continue
        const lease = await this.#lease(definition)
        if (scanning.signal.aborted) return
        if (fold && lease?.fence !== fold.fence) this.#endFold(fold)
        else if (fold && lease) fold.renew(lease)
        // The next turn folds it together with the others.
        if (!fold && lease && !(lease.head.full && this.#isFull(lease.head))) scanning.abort()
      }
      const served = new Set(this.#context.definitions().map(({ id }) => id))
      if (folds.some(({ definition }) => !served.has(definition.id))) scanning.abort()
      await this.#retention.forget(folds)
    } catch (error) {
      this.#failure ??= error
      scanning.abort()
    }
  }

  async #releaseAll(): Promise<void> {
    for (const { definition, fence, end } of this.#folds) {
      if (end === 'lease lost') continue
      await this.#context.store.release(definition.id, fence).catch(() => undefined)
    }
    this.#folds = []
  }
}
