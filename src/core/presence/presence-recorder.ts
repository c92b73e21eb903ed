import { GatewayError } from '../../errors.ts'
import type { PresenceCounts } from '../accounting/cluster-counts.ts'
import type { PresenceStore, StoredPresence } from '../ports/client-directory.ts'
import { pause } from '../timing/pause.ts'

/** How many changes are published at a time. */
const concurrency = 50
/** The pause after a failure, in milliseconds. */
const retryMs = 1_000
/** The shortest time between two log lines about refused changes, in milliseconds. */
const refusalMs = 60_000
/** How long changes are gathered before they are stored, in milliseconds. */
const storeMs = 1_000
const rowsAStatement = 500

/** A client came or left. */
export interface PresenceChange {
  readonly clientId: string
  readonly online: boolean
  /** When the client came, or when it left, in milliseconds since the epoch. */
  readonly at: number
}

export interface PresenceRecorderParts {
  readonly store: PresenceStore
  /** Publishes a change to `<namespace>.presence`. Rejects while the broker is away. */
  readonly publish: (change: PresenceChange) => Promise<void>
  readonly logError: (what: string, error: unknown) => void
}

/**
 * Publishes and stores the changes that this replica is responsible for. Only the latest change of
 * each client waits, so a broker that is away costs one entry a client.
 */
export class PresenceRecorder {
  readonly #publish: PresenceRecorderParts['publish']
  readonly #store: PresenceStore
  readonly #logError: PresenceRecorderParts['logError']
  readonly #unpublished = new Map<string, PresenceChange>()
  readonly #unstored = new Map<string, PresenceChange>()
  readonly #closing = new AbortController()
  readonly #changes = { online: 0, offline: 0 }
  readonly #publications = { confirmed: 0, failed: 0 }
  /** How many changes are being published. */
  #underWay = 0
  #publishing = false
  #refusalLoggedAt = Number.NEGATIVE_INFINITY
  #storing: Promise<void> | undefined

  constructor({ publish, store, logError }: PresenceRecorderParts) {
    this.#publish = publish
    this.#store = store
    this.#logError = logError
  }

  get counts(): Omit<PresenceCounts, 'online'> {
    return {
      changes: this.#changes,
      publications: this.#publications,
      unpublished: this.#unpublished.size + this.#underWay,
    }
  }

  record(change: PresenceChange): void {
    this.#changes[change.online ? 'online' : 'offline'] += 1
    this.#unpublished.set(change.clientId, change)
    this.#unstored.set(change.clientId, change)
    if (!this.#publishing) void this.#publishAll()
    this.#storing ??= pause(storeMs, this.#closing.signal, { ref: false }).then(() => this.#storeAll())
  }

  /** What is stored of these clients, with the changes that are not stored yet. */
  async find(clientIds: readonly string[]): Promise<StoredPresence[]> {
    const found: StoredPresence[] = []
    for (let at = 0; at < clientIds.length; at += rowsAStatement)
      found.push(...(await this.#store.findPresence(clientIds.slice(at, at + rowsAStatement))))
    for (const clientId of clientIds) {
      const change = this.#unstored.get(clientId)
      if (change) found.push({ clientId, online: change.online, seenAt: new Date(change.at) })
    }
    return found
  }

  /** Stores what is not stored yet; publishes nothing more. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#storing
  }

  async #publishAll(): Promise<void> {
    this.#publishing = true
    while (this.#unpublished.size > 0 && !this.#closing.signal.aborted) {
      const batch = [...this.#unpublished.values()].slice(0, concurrency)
      for (const { clientId } of batch) this.#unpublished.delete(clientId)
      const failed: PresenceChange[] = []
      const publish = async (change: PresenceChange): Promise<void> => {
        try {
          await this.#publish(change)
          this.#publications.confirmed += 1
        } catch (error) {
          if (error instanceof GatewayError && error.code === 'BROKER_UNAVAILABLE') failed.push(change)
          else this.#refused(error)
        }
      }
      this.#underWay = batch.length
      await Promise.all(batch.map(publish))
      this.#underWay = 0
      for (const change of failed)
        if (!this.#unpublished.has(change.clientId)) this.#unpublished.set(change.clientId, change)
      if (failed.length > 0) await pause(retryMs, this.#closing.signal, { ref: false })
    }
    this.#publishing = false
  }

  /** The broker refuses changes: the exchange is missing. A retry would be refused, too. */
  #refused(error: unknown): void {
    this.#publications.failed += 1
    const now = performance.now()
    if (now - this.#refusalLoggedAt < refusalMs) return
    this.#refusalLoggedAt = now
    this.#logError('publishing who is online', error)
  }

  async #storeAll(): Promise<void> {
    while (this.#unstored.size > 0) {
      const batch = [...this.#unstored.values()].slice(0, rowsAStatement)
      try {
        await this.#store.savePresence(
          batch.map(({ clientId, online, at }) => ({ clientId, online, seenAt: new Date(at) })),
        )
        for (const change of batch)
          if (this.#unstored.get(change.clientId) === change) this.#unstored.delete(change.clientId)
      } catch (error) {
        this.#logError('storing when clients were seen', error)
        if (this.#closing.signal.aborted) break
        await pause(retryMs, this.#closing.signal, { ref: false })
      }
    }
    this.#storing = undefined
  }
}
