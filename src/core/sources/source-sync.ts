import { GatewayError } from '../../errors.ts'
import { BoundedSet } from '../limits/bounded-set.ts'
import { checkDefinition, lifeOf, reviveSource, type Source, type SourceDefinition, sourceId } from '../model/source.ts'
import type { Broker } from '../ports/broker.ts'
import type { ClientRegistry } from '../ports/client-registry.ts'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import type { MarkNote } from '../ports/journal.ts'
import type { SourceRouter } from './source-router.ts'

export interface SourceSyncParts {
  readonly sources: SourceRouter
  readonly registry: ClientRegistry
  readonly broker: Broker
  readonly control: ControlBus
  /**
   * Resolves when this replica's tail has read the mark. Every message published afterwards comes
   * after the mark in the journal.
   */
  readonly appendMark: (note: MarkNote) => Promise<void>
  /** Whether the tail is current. */
  readonly isUp: () => boolean
  readonly logError: (what: string, error: unknown) => void
}

/** A deleted source: the lives of it that were created at this time or before. */
interface Deletion {
  /** Undefined: all. */
  readonly createdUpTo: Date | undefined
}

/** How many deleted sources are remembered. */
const maxDeleted = 10_000

/**
 * Keeps the sources of all replicas the same. A mark in the journal announces a source, so each
 * replica knows it before the first message that follows. Replicas that missed the mark read the
 * registry.
 */
export class SourceSync {
  readonly #parts: SourceSyncParts
  /** Changes from marks that the registry does not have yet: the latest for each id. */
  readonly #unsavedChanges = new Map<string, Source | Deletion>()
  /**
   * Lives of sources (`lifeOf`) that were deleted. A registry that was read before the
   * deletion must not bring them back.
   */
  readonly #deleted = new BoundedSet<string>(maxDeleted)
  /** The latest time of creation of all sources that this replica knew, in milliseconds. */
  #lastCreated = 0
  #registryWrites: Promise<void> = Promise.resolve()

  constructor(parts: SourceSyncParts) {
    this.#parts = parts
  }

  /**
   * Creates a source on every replica. No replica misses a message published after this resolves.
   * Returns the existing source if it is known already. Rejects with `SOURCE_CONFLICT` if the
   * definition contradicts another source or the broker, and with `BROKER_UNAVAILABLE`.
   */
  async create(definition: SourceDefinition): Promise<Source> {
    const { broker } = this.#parts
    const checked = checkDefinition(definition)
    const id = sourceId(checked)
    const known = this.#parts.sources.get(id)
    const sameExchange = this.#parts.sources.list().filter((other) => other.exchange === checked.exchange)
    const otherBuffering = sameExchange.find((other) => Boolean(other.buffered) !== Boolean(checked.buffered))
    if (otherBuffering) {
      throw new GatewayError(
        'SOURCE_CONFLICT',
        `exchange "${checked.exchange}" has source ${otherBuffering.id} with buffered: ${otherBuffering.buffered === true}, and all sources of an exchange must agree: use the same value, or delete that source first`,
      )
    }
    if (known) return known
    const otherType = sameExchange.find((other) => other.exchangeType !== checked.exchangeType)
    if (otherType) {
      throw new GatewayError(
        'SOURCE_CONFLICT',
        `exchange "${checked.exchange}" has source ${otherType.id} with type ${otherType.exchangeType}: expected the same type, got ${checked.exchangeType}`,
      )
    }
    // The clocks of replicas differ, but a later life of a source must have a later time.
    const createdAt = new Date(Math.max(Date.now(), this.#lastCreated + 1))
    const newSource: Source = { ...checked, id, createdAt, ownsExchange: false }
    const { declared } = await broker.bind(newSource)
    const source = await this.#add({ ...newSource, ownsExchange: declared })
    await this.#parts.appendMark({ kind: 'source-created', source })
    return source
  }

  /** Resolves with the row of the registry, and leaves no other life of the source bound. */
  async #add(source: Source): Promise<Source> {
    const { broker, registry } = this.#parts
    try {
      const { source: stored } = await registry.addSource(source)
      if (lifeOf(stored) === lifeOf(source)) return stored
      // Another replica creates it too.
      await broker.bind(stored)
      await broker.unbind(source)
      return stored
    } catch (error) {
      await broker.unbind(source).catch(() => undefined)
      throw error
    }
  }

  /** Resolves with false if there is no such source. */
  async delete(id: string): Promise<boolean> {
    const { broker, registry } = this.#parts
    const stored = await registry.removeSource(id)
    const served = this.#parts.sources.get(id)
    const removed = stored && served && served.createdAt > stored.createdAt ? served : (stored ?? served)
    if (!removed) return false
    await broker.unbind(removed)
    await this.#parts.appendMark({ kind: 'source-deleted', id, createdAt: removed.createdAt.toISOString() })
    return true
  }

  /**
   * Called at a mark: routes messages of the source from here on. Also saves the source in the
   * registry, because another replica may use another registry. Of two creations the later one
   * counts, on every replica.
   */
  onCreated(source: Source | undefined): void {
    if (!source) return
    const served = this.#parts.sources.get(source.id)
    if (served && served.createdAt >= source.createdAt) return
    if (served) this.#parts.sources.remove(served.id)
    this.serve(source)
    // After the new binding, so that there is always one.
    if (served) this.#unbind(served)
    this.#unsavedChanges.set(source.id, source)
    this.syncRegistry()
  }

  /**
   * Called at a mark. `createdAt`: when the deleted source was created; replicas up to 0.1 do not
   * write it. A starting replica reads old marks again, and a source that was created later stays.
   */
  onDeleted(id: string, createdAt: Date | undefined): void {
    const served = this.#parts.sources.get(id)
    const createdUpTo = createdAt ?? served?.createdAt
    if (createdUpTo) this.#noteDeleted({ id, createdAt: createdUpTo })
    if (served && createdAt && served.createdAt > createdAt) return
    if (served) {
      this.#parts.sources.remove(id)
      this.#unbind(served)
    }
    this.#unsavedChanges.set(id, { createdUpTo })
    this.syncRegistry()
  }

  #noteDeleted(source: Pick<Source, 'id' | 'createdAt'>): void {
    this.#deleted.add(lifeOf(source))
    this.#lastCreated = Math.max(this.#lastCreated, source.createdAt.getTime())
  }

  #unbind(source: Source): void {
    this.#noteDeleted(source)
    void this.#parts.broker.unbind(source).catch((error: unknown) => this.#parts.logError('unbinding a source', error))
  }

  /**
   * Saves the changes once the tail is current. A starting replica reads old marks again, and only
   * the latest change of each source counts. A change that could not be saved is kept.
   */
  syncRegistry(): void {
    if (!this.#parts.isUp() || this.#unsavedChanges.size === 0) return
    const changes = [...this.#unsavedChanges]
    this.#unsavedChanges.clear()
    for (const change of changes) this.#registryWrites = this.#registryWrites.then(() => this.#save(change))
  }

  /** The registry may have a later life of the source already, because replicas may share it. */
  async #save([id, change]: readonly [string, Source | Deletion]): Promise<void> {
    const { registry, logError } = this.#parts
    try {
      if ('createdUpTo' in change) await registry.removeSource(id, change.createdUpTo)
      else if ((await registry.addSource(change)).source.createdAt < change.createdAt) {
        await registry.removeSource(id, new Date(change.createdAt.getTime() - 1))
        await registry.addSource(change)
      }
    } catch (error) {
      if (!this.#unsavedChanges.has(id)) this.#unsavedChanges.set(id, change)
      logError('saving sources in the registry', error)
    }
  }

  serve(source: Source): void {
    this.#lastCreated = Math.max(this.#lastCreated, source.createdAt.getTime())
    this.#parts.sources.add(source)
    this.#parts.broker.keep(source)
  }

  /**
   * Reads changes from the registry that this replica missed while it was disconnected, and asks
   * the other replicas for theirs.
   */
  async resync(): Promise<void> {
    await this.readRegistry()
    await this.#parts.control.send({ kind: 'sources-wanted' })
  }

  /** Serves exactly the sources of the registry. */
  async readRegistry(): Promise<void> {
    const { registry, broker } = this.#parts
    const before = this.#parts.sources.list()
    await this.#registryWrites
    const known = await registry.listSources()
    for (const source of known) {
      // A source that was served before stays served, unless a mark deletes it during this read.
      if (this.#unsavedChanges.has(source.id) || this.#deleted.has(lifeOf(source))) continue
      if (!before.some(({ id }) => id === source.id)) this.serve(source)
    }
    for (const source of before) {
      if (this.#unsavedChanges.has(source.id) || known.some(({ id }) => id === source.id)) continue
      // During this read, a mark may have deleted it, and another may have created it again.
      if (this.#parts.sources.get(source.id) !== source) continue
      this.#noteDeleted(source)
      this.#parts.sources.remove(source.id)
      await broker.unbind(source)
    }
  }

  /**
   * Answers requests of other replicas with the sources of this registry, and serves sources that
   * they announce.
   */
  async onControl(message: Extract<ControlMessage, { kind: 'sources-wanted' | 'source-known' }>): Promise<void> {
    const { registry, control } = this.#parts
    switch (message.kind) {
      case 'sources-wanted':
        for (const source of await registry.listSources())
          if (!this.#deleted.has(lifeOf(source))) await control.send({ kind: 'source-known', source })
        return
      case 'source-known': {
        const source = reviveSource(message.source)
        // The other replica may have read its registry before the source was deleted.
        if (source && !this.#deleted.has(lifeOf(source))) this.onCreated(source)
        return
      }
    }
  }
}
