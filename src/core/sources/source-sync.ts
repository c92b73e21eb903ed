import { GatewayError } from '../../errors.ts'
import { checkDefinition, lifeOf, reviveSource, type Source, type SourceDefinition, sourceId } from '../model/source.ts'
import type { Broker } from '../ports/broker.ts'
import type { ClientRegistry } from '../ports/client-registry.ts'
import type { ControlBus, ControlMessage } from '../ports/control-bus.ts'
import type { MarkNote } from '../ports/journal.ts'
import { servedForm, storedForm } from './default-source.ts'
import type { SourceRouter } from './source-router.ts'

export interface SourceSyncParts {
  /** The exchange of the default source. */
  readonly defaultExchange: string
  readonly sources: SourceRouter
  readonly registry: ClientRegistry
  readonly broker: Broker
  readonly control: ControlBus
  /** The id of this replica, which its messages to the others name. */
  readonly replica: string
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

/** How often a creation is tried while other replicas create and delete the same source. */
const maxCreations = 20

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
   * By id: when the latest life that was deleted was created, in milliseconds. A registry that was
   * read before the deletion must not bring it back.
   */
  readonly #deletedUpTo = new Map<string, number>()
  /** The latest time of creation of all sources that this replica knew, in milliseconds. */
  #lastCreated = 0
  #registryWrites: Promise<void> = Promise.resolve()
  /** Ids of the sources that the schema names now. */
  #neededBySchema: ReadonlySet<string> = new Set()

  constructor(parts: SourceSyncParts) {
    this.#parts = parts
  }

  /**
   * Creates a source on every replica. No replica misses a message published after this resolves.
   * Returns the existing source if it is known already. Rejects with `SOURCE_CONFLICT` if the
   * definition contradicts another source or the broker, and with `BROKER_UNAVAILABLE`.
   */
  async create(definition: SourceDefinition): Promise<Source> {
    const checked = storedForm(checkDefinition(definition), this.#parts.defaultExchange)
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
    for (let attempt = 0; attempt < maxCreations; attempt += 1) {
      // The clocks of replicas differ, but a later life of a source must have a later time.
      const createdAt = new Date(Math.max(Date.now(), this.#lastCreated + 1))
      const source = await this.#add({ ...checked, id, createdAt, ownsExchange: false })
      if (!source) continue
      await this.#parts.appendMark({ kind: 'source-created', source })
      const served = this.#parts.sources.get(id)
      if (served && lifeOf(served) === lifeOf(source)) return served
      await this.#parts.broker.unbind(this.#served(source))
      // Another replica has created a later life, or has deleted one.
      if (served) return served
      await this.#parts.registry.removeSource(id, source.createdAt)
    }
    throw new GatewayError(
      'BROKER_UNAVAILABLE',
      `source ${id} is being created and deleted elsewhere at the same time: try again`,
    )
  }

  /**
   * Binds a new life of a source and stores it in the registry, in the place of an earlier one.
   * Resolves with undefined, and leaves it unbound, if the registry has a later one.
   */
  async #add(source: Source): Promise<Source | undefined> {
    const { broker, registry } = this.#parts
    const served = this.#served(source)
    const { declared } = await broker.bind(served)
    try {
      const stored = await registry.renewSource({ ...source, ownsExchange: declared })
      this.#lastCreated = Math.max(this.#lastCreated, stored.createdAt.getTime())
      if (lifeOf(stored) === lifeOf(source)) return stored
      await broker.unbind(served)
      return undefined
    } catch (error) {
      await broker.unbind(served).catch(() => undefined)
      throw error
    }
  }

  /**
   * Serves the sources of the schema, beside those of the registry, which keeps them: a reload of
   * the schema removes none.
   */
  async serveSchema(schemaSources: readonly Source[]): Promise<void> {
    this.#neededBySchema = new Set(schemaSources.map(({ id }) => id))
    const { registry, sources } = this.#parts
    for (const wanted of schemaSources) {
      if (sources.get(wanted.id)) continue
      const isBuffered = sources.list().some(({ exchange, buffered }) => buffered && exchange === wanted.exchange)
      const { source } = await registry.addSource(isBuffered ? { ...wanted, buffered: true } : wanted)
      this.serve(source)
    }
  }

  /**
   * Rejects with `SOURCE_CONFLICT` if a typed field needs it. Resolves with false if there is none.
   */
  async delete(id: string): Promise<boolean> {
    if (this.#neededBySchema.has(id))
      throw new GatewayError('SOURCE_CONFLICT', `a field of WARREN_SCHEMA needs source ${id}: change the schema first`)
    const { broker, registry } = this.#parts
    const served = this.#parts.sources.get(id)
    // Another replica may be creating a later life of it, which stays.
    const stored = await registry.removeSource(id, served?.createdAt)
    const removed = served ?? stored
    if (!removed) return false
    await broker.unbind(this.#served(removed))
    await this.#parts.appendMark({ kind: 'source-deleted', id, createdAt: removed.createdAt.toISOString() })
    return true
  }

  /**
   * Called at a mark: routes messages of the source from here on. Also saves the source in the
   * registry, because another replica may use another registry. Of two creations the later one
   * counts, on every replica.
   */
  onCreated(source: Source | undefined): void {
    if (!source || this.#isDeleted(source)) return
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
    if (createdUpTo) this.#noteDeleted(id, createdUpTo)
    if (served && createdAt && served.createdAt > createdAt) return
    if (served) {
      this.#parts.sources.remove(id)
      this.#unbind(served)
    }
    this.#unsavedChanges.set(id, { createdUpTo })
    this.syncRegistry()
  }

  #noteDeleted(id: string, createdAt: Date): void {
    const upTo = Math.max(createdAt.getTime(), this.#deletedUpTo.get(id) ?? 0)
    this.#lastCreated = Math.max(this.#lastCreated, upTo)
    const [oldest] = this.#deletedUpTo.keys()
    if (oldest !== undefined && this.#deletedUpTo.size >= maxDeleted) this.#deletedUpTo.delete(oldest)
    this.#deletedUpTo.set(id, upTo)
  }

  #isDeleted({ id, createdAt }: Source): boolean {
    return createdAt.getTime() <= (this.#deletedUpTo.get(id) ?? Number.NEGATIVE_INFINITY)
  }

  #unbind(source: Source): void {
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

  async #save([id, change]: readonly [string, Source | Deletion]): Promise<void> {
    const { registry, logError } = this.#parts
    try {
      await ('createdUpTo' in change ? registry.removeSource(id, change.createdUpTo) : registry.renewSource(change))
    } catch (error) {
      if (!this.#unsavedChanges.has(id)) this.#unsavedChanges.set(id, change)
      logError('saving sources in the registry', error)
    }
  }

  serve(source: Source): void {
    this.#lastCreated = Math.max(this.#lastCreated, source.createdAt.getTime())
    const served = this.#served(source)
    this.#parts.sources.add(served)
    this.#parts.broker.keep(served)
  }

  #served(source: Source): Source {
    return servedForm(source, this.#parts.defaultExchange)
  }

  /**
   * Reads changes from the registry that this replica missed while it was disconnected, and asks
   * the other replicas for theirs. Resolves with whether the registry has a source that this
   * replica did not serve.
   */
  async resync(): Promise<boolean> {
    const hasNews = await this.readRegistry()
    const { control, replica } = this.#parts
    await control.send({ kind: 'sources-wanted', replica })
    return hasNews
  }

  /** Serves exactly the sources of the registry. Resolves with whether one of them is new here. */
  async readRegistry(): Promise<boolean> {
    const { registry, broker } = this.#parts
    const before = this.#parts.sources.list()
    await this.#registryWrites
    const known = await registry.listSources()
    let hasNews = false
    for (const source of known) {
      // A source that was served before stays served, unless a mark deletes it during this read.
      if (this.#unsavedChanges.has(source.id) || this.#isDeleted(source)) continue
      if (before.some(({ id }) => id === source.id)) continue
      this.serve(source)
      hasNews = true
    }
    for (const source of before) {
      if (this.#unsavedChanges.has(source.id) || known.some(({ id }) => id === source.id)) continue
      // During this read, a mark may have deleted it, and another may have created it again.
      if (this.#parts.sources.get(source.id) !== source) continue
      this.#noteDeleted(source.id, source.createdAt)
      this.#parts.sources.remove(source.id)
      await broker.unbind(source)
    }
    return hasNews
  }

  /**
   * Answers requests of other replicas with the sources of this registry, and serves sources that
   * they announce.
   */
  async onControl(message: Extract<ControlMessage, { kind: 'sources-wanted' | 'source-known' }>): Promise<void> {
    const { registry, control, replica } = this.#parts
    switch (message.kind) {
      case 'sources-wanted':
        for (const source of await registry.listSources())
          if (!this.#isDeleted(source)) await control.send({ kind: 'source-known', source, replica })
        return
      case 'source-known': {
        const source = reviveSource(message.source)
        // The other replica may have read its registry before the source was deleted.
        this.onCreated(source)
        return
      }
    }
  }
}
