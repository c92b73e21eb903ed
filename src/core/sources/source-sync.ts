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
   * Resolves when the mark has been heard here, and so stands in the journal before whatever comes
   * next.
   */
  readonly appendMark: (note: MarkNote) => Promise<void>
  /** Whether the tail is current. */
  readonly isUp: () => boolean
  readonly logError: (what: string, error: unknown) => void
}

/**
 * Keeps the sources of all replicas the same. A mark in the journal announces a source, so that
 * each replica knows it before the first message behind it; the registry is the truth for whoever
 * was not there.
 */
export class SourceSync {
  readonly #parts: SourceSyncParts
  /**
   * What marks have said and the registry has not heard: by id, the last word on each; undefined:
   * deleted.
   */
  readonly #unsavedChanges = new Map<string, Source | undefined>()
  #registryWrites: Promise<void> = Promise.resolve()

  constructor(parts: SourceSyncParts) {
    this.#parts = parts
  }

  /**
   * Makes a source that every replica serves from here on: none misses a message that is published
   * after this resolves.
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
        `exchange "${checked.exchange}" is served by source ${otherBuffering.id} ${otherBuffering.buffered ? 'with' : 'without'} a buffer, and all sources of an exchange are alike: delete that one first, or give buffered: ${otherBuffering.buffered === true}`,
      )
    }
    if (known) return known
    const otherType = sameExchange.find((other) => other.exchangeType !== checked.exchangeType)
    if (otherType) {
      throw new GatewayError(
        'SOURCE_CONFLICT',
        `exchange "${checked.exchange}" is served as ${otherType.exchangeType} by source ${otherType.id}, and can't be ${checked.exchangeType} too`,
      )
    }
    const newSource: Source = { ...checked, id, createdAt: new Date(), ownsExchange: false }
    const { declared } = await broker.bind(newSource)
    const { source } = await registry.addSource({ ...newSource, ownsExchange: declared })
    await this.#parts.appendMark({ kind: 'source-created', source })
    return source
  }

  /** Whether there was one. */
  async delete(id: string): Promise<boolean> {
    const { broker, registry } = this.#parts
    const removed = (await registry.removeSource(id)) ?? this.#parts.sources.get(id)
    if (!removed) return false
    await broker.unbind(removed)
    await this.#parts.appendMark({ kind: 'source-deleted', id })
    return true
  }

  /**
   * From the mark on, its messages are routed; the registry hears of it too where it is not the one
   * that was told.
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
   * Not before the tail is current: a starting replica hears of the past again, and only the last
   * word on a source counts.
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
      .catch((error: unknown) => this.#parts.logError('keeping sources', error))
  }

  serve(source: Source): void {
    this.#parts.sources.add(source)
    this.#parts.broker.keep(source)
  }

  /**
   * The registry is the truth: what was said while this replica could not hear is read from there.
   */
  async resync(): Promise<void> {
    await this.readRegistry()
    await this.#parts.control.send({ kind: 'sources-wanted' })
  }

  /** Serves what the registry has, and nothing else. */
  async readRegistry(): Promise<void> {
    const { registry, broker } = this.#parts
    const before = this.#parts.sources.list()
    await this.#registryWrites
    const known = await registry.listSources()
    for (const source of known) {
      // What was served is so still, unless a mark has deleted it while the registry was read.
      if (!this.#unsavedChanges.has(source.id) && !before.some(({ id }) => id === source.id)) this.serve(source)
    }
    for (const source of before) {
      if (this.#unsavedChanges.has(source.id) || known.some(({ id }) => id === source.id)) continue
      if (this.#parts.sources.remove(source.id)) await broker.unbind(source)
    }
  }

  /** What one replica knows, it tells those that ask. */
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
