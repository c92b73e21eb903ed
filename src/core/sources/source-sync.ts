import { GatewayError } from '../../errors.ts'
import { checkDefinition, reviveSource, type Source, type SourceDefinition, sourceId } from '../model/source.ts'
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

/**
 * Keeps the sources of all replicas the same. A mark in the journal announces a source, so each
 * replica knows it before the first message that follows. Replicas that missed the mark read the
 * registry.
 */
export class SourceSync {
  readonly #parts: SourceSyncParts
  /**
   * Changes from marks that the registry does not have yet: the latest for each id. Undefined: the
   * source was deleted.
   */
  readonly #unsavedChanges = new Map<string, Source | undefined>()
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
    const { broker, registry } = this.#parts
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
    const newSource: Source = { ...checked, id, createdAt: new Date(), ownsExchange: false }
    const { declared } = await broker.bind(newSource)
    const { source } = await registry.addSource({ ...newSource, ownsExchange: declared })
    await this.#parts.appendMark({ kind: 'source-created', source })
    return source
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

  /** Rejects with `SOURCE_CONFLICT` if a typed field needs it. Resolves with false if there is none. */
  async delete(id: string): Promise<boolean> {
    if (this.#neededBySchema.has(id))
      throw new GatewayError('SOURCE_CONFLICT', `a field of WARREN_SCHEMA needs source ${id}: change the schema first`)
    const { broker, registry } = this.#parts
    const removed = (await registry.removeSource(id)) ?? this.#parts.sources.get(id)
    if (!removed) return false
    await broker.unbind(removed)
    await this.#parts.appendMark({ kind: 'source-deleted', id })
    return true
  }

  /**
   * Called at a mark: routes messages of the source from here on. Also saves the source in the
   * registry, because another replica may use another registry.
   */
  onCreated(source: Source | undefined): void {
    if (!source || this.#parts.sources.get(source.id)) return
    this.serve(source)
    this.#unsavedChanges.set(source.id, source)
    this.syncRegistry()
  }

  onDeleted(id: string): void {
    const source = this.#parts.sources.remove(id)
    if (source)
      void this.#parts.broker
        .unbind(source)
        .catch((error: unknown) => this.#parts.logError('unbinding a source', error))
    this.#unsavedChanges.set(id, undefined)
    this.syncRegistry()
  }

  /**
   * Saves the changes once the tail is current. A starting replica reads old marks again, and only
   * the latest change of each source counts.
   */
  syncRegistry(): void {
    if (!this.#parts.isUp() || this.#unsavedChanges.size === 0) return
    const { registry } = this.#parts
    const unsavedChanges = [...this.#unsavedChanges]
    this.#unsavedChanges.clear()
    this.#registryWrites = this.#registryWrites
      .then(async () => {
        for (const [id, source] of unsavedChanges)
          await (source ? registry.addSource(source) : registry.removeSource(id))
      })
      .catch((error: unknown) => this.#parts.logError('saving sources in the registry', error))
  }

  serve(source: Source): void {
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
      if (!this.#unsavedChanges.has(source.id) && !before.some(({ id }) => id === source.id)) this.serve(source)
    }
    for (const source of before) {
      if (this.#unsavedChanges.has(source.id) || known.some(({ id }) => id === source.id)) continue
      if (this.#parts.sources.remove(source.id)) await broker.unbind(source)
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
        for (const source of await registry.listSources()) await control.send({ kind: 'source-known', source })
        return
      case 'source-known': {
        const source = reviveSource(message.source)
        if (!source || this.#parts.sources.get(source.id)) return
        await registry.addSource(source)
        this.serve(source)
        return
      }
    }
  }
}
