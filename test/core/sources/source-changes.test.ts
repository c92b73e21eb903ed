import { beforeEach, describe, expect, test } from '@jest/globals'
import { type Source, type SourceDefinition, sourceId } from '../../../src/core/model/source.ts'
import type { Broker } from '../../../src/core/ports/broker.ts'
import type { ControlBus } from '../../../src/core/ports/control-bus.ts'
import { SourceRouter } from '../../../src/core/sources/source-router.ts'
import { SourceSync } from '../../../src/core/sources/source-sync.ts'
import { GatewayError } from '../../../src/errors.ts'
import { MemoryRegistry } from '../memory-registry.ts'

const definition: SourceDefinition = {
  exchange: 'orders',
  exchangeType: 'TOPIC',
  routingKey: 'client.{clientId}',
  clientId: undefined,
}

function stored(given: Partial<SourceDefinition> = {}): Source {
  const whole = { ...definition, ...given }
  return { ...whole, id: sourceId(whole), createdAt: new Date(1_000), ownsExchange: false }
}

const other = stored({ exchange: 'invoices' })
const { id } = stored()

let events: unknown[]
let registry: MemoryRegistry
let sources: SourceRouter
let sync: SourceSync
let isUp: boolean
let declared: boolean
let unbind: () => Promise<void>

beforeEach(() => {
  events = []
  registry = new MemoryRegistry()
  sources = new SourceRouter()
  isUp = true
  declared = false
  unbind = async () => {}
  const broker = {
    bind: async (source: Source) => {
      events.push(['bind', source.id, registry.sources.size])
      return { declared }
    },
    keep: (source: Source) => events.push(['keep', source.id]),
    unbind: (source: Source) => {
      events.push(['unbind', source.id])
      return unbind()
    },
  } as unknown as Broker
  const control = {
    send: async (message: { kind: string; source?: Source }) => {
      events.push(['send', message.kind, message.source?.id])
    },
  } as unknown as ControlBus
  sync = new SourceSync({
    defaultExchange: 'warren.events',
    sources,
    registry,
    broker,
    control,
    replica: 'here',
    appendMark: async (note) => {
      events.push(['mark', note.kind, registry.sources.size])
      if (note.kind === 'source-created') sync.onCreated(note.source)
    },
    isUp: () => isUp,
    logError: (what, error) => events.push(['error', what, (error as Error).message]),
  })
})

/** Lets writes to the registry finish. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('creating a source', () => {
  test('binds it, stores it, and announces it in the journal, in this order', async () => {
    const source = await sync.create(definition)
    expect(events).toEqual([
      ['bind', id, 0],
      ['mark', 'source-created', 1],
      ['keep', id],
    ])
    expect(source).toMatchObject({ ...definition, id, ownsExchange: false })
    expect(Math.abs(Date.now() - source.createdAt.getTime())).toBeLessThan(60_000)
    expect(registry.sources.get(id)).toEqual(source)
  })

  test('remembers that the exchange was made for it', async () => {
    declared = true
    expect((await sync.create(definition)).ownsExchange).toBe(true)
  })

  test('returns a known source, and does nothing', async () => {
    const known = stored()
    sources.add(known)
    expect(await sync.create(definition)).toBe(known)
    expect([events, registry.calls]).toEqual([[], []])
  })

  test.each<[string, Partial<SourceDefinition>, Partial<SourceDefinition>, string]>([
    ['buffers', {}, { buffered: true }, 'buffered: false'],
    ['does not buffer', { buffered: true }, {}, 'buffered: true'],
    ['is of another type', {}, { exchangeType: 'DIRECT', routingKey: 'a', clientId: { fixed: 'b' } }, 'type TOPIC'],
  ])('refuses one that %s, unlike another source of the exchange', async (_how, known, wanted, text) => {
    sources.add(stored({ exchange: 'invoices', exchangeType: 'FANOUT', clientId: { fixed: 'x' }, buffered: true }))
    sources.add(stored(known))
    await expect(sync.create({ ...definition, ...wanted })).rejects.toThrow(text)
    await expect(sync.create({ ...definition, ...wanted })).rejects.toMatchObject({ code: 'SOURCE_CONFLICT' })
    expect([events, registry.calls]).toEqual([[], []])
  })

  test('accepts another source of the exchange that agrees with the first', async () => {
    sources.add(stored({ buffered: false }))
    const more = await sync.create({ ...definition, routingKey: 'x.{clientId}' })
    expect(more.routingKey).toBe('x.{clientId}')
  })

  test('refuses an invalid definition', async () => {
    await expect(sync.create({ ...definition, exchange: '' })).rejects.toThrow(GatewayError)
    expect(events).toEqual([])
  })
})

describe('deleting a source', () => {
  test('removes it from the registry, unbinds it, and announces it', async () => {
    registry.sources.set(id, stored())
    expect(await sync.delete(id)).toBe(true)
    expect(events).toEqual([
      ['unbind', id],
      ['mark', 'source-deleted', 0],
    ])
  })

  test('also if only this replica knows it', async () => {
    sources.add(stored())
    expect(await sync.delete(id)).toBe(true)
    expect(events).toHaveLength(2)
  })

  test('resolves with false if no such source exists', async () => {
    expect([await sync.delete(id), events]).toEqual([false, []])
  })
})

describe('a mark', () => {
  test('of a new source serves and stores it; one that is served changes nothing', async () => {
    sync.onCreated(undefined)
    sync.onCreated(other)
    sync.onCreated(other)
    await settled()
    expect(events).toEqual([['keep', other.id]])
    expect([sources.list(), [...registry.sources.keys()]]).toEqual([[other], [other.id]])
    expect(registry.calls).toEqual([['renewSource', other.id]])
  })

  test('of a deleted source ends it and removes it, once', async () => {
    sources.add(other)
    registry.sources.set(other.id, other)
    sync.onDeleted(other.id, other.createdAt)
    sync.onDeleted('unknown', undefined)
    await settled()
    expect(events).toEqual([['unbind', other.id]])
    expect(registry.calls).toEqual([
      ['removeSource', other.id],
      ['removeSource', 'unknown'],
    ])
    expect(sources.list()).toEqual([])
  })

  test('is logged if the broker or the registry refuses, and later ones are still handled', async () => {
    unbind = () => Promise.reject(new Error('closed'))
    sources.add(other)
    registry.failing = new Error('away')
    sync.onDeleted(other.id, other.createdAt)
    await settled()
    expect(new Set(events.slice(1))).toEqual(
      new Set([
        ['error', 'saving sources in the registry', 'away'],
        ['error', 'unbinding a source', 'closed'],
      ]),
    )
    registry.failing = undefined
    sync.onCreated(stored())
    await settled()
    expect([...registry.sources.keys()]).toEqual([id])
  })

  test('is stored when the tail is current, and only the latest change of each source', async () => {
    isUp = false
    sync.onCreated(stored())
    sync.onDeleted(id, stored().createdAt)
    sync.onDeleted(other.id, other.createdAt)
    sync.onCreated({ ...other, createdAt: new Date(2_000) })
    await settled()
    expect(registry.calls).toEqual([])
    isUp = true
    sync.syncRegistry()
    sync.syncRegistry()
    await settled()
    expect(registry.calls).toEqual([
      ['removeSource', id],
      ['renewSource', other.id],
    ])
  })
})

describe('the registry', () => {
  test('decides which sources are served', async () => {
    sources.add(stored())
    registry.sources.set(other.id, other)
    await sync.readRegistry()
    expect(events).toEqual([
      ['keep', other.id],
      ['unbind', id],
    ])
    expect(sources.list()).toEqual([other])
    events.length = 0
    await sync.readRegistry()
    expect([events, sources.list()]).toEqual([[], [other]])
  })

  test('does not undo what a mark has changed and the registry does not have yet', async () => {
    sources.add(other)
    registry.sources.set(other.id, other)
    isUp = false
    sync.onCreated(stored())
    sync.onDeleted(other.id, other.createdAt)
    events.length = 0
    await sync.readRegistry()
    expect([events, sources.list()]).toEqual([[], [stored()]])
  })

  test('does not serve again what a mark deletes during the read', async () => {
    sources.add(other)
    registry.sources.set(other.id, other)
    const reading = sync.readRegistry()
    sync.onDeleted(other.id, other.createdAt)
    await reading
    expect(sources.list()).toEqual([])
  })

  test('is read after the changes under way', async () => {
    sync.onCreated(other)
    await sync.readRegistry()
    expect(registry.calls.map(([name]) => name)).toEqual(['renewSource', 'listSources'])
    expect(sources.list()).toEqual([other])
  })

  test('is read after a reconnection, and other replicas are asked', async () => {
    registry.sources.set(other.id, other)
    await sync.resync()
    expect(events).toEqual([
      ['keep', other.id],
      ['send', 'sources-wanted', undefined],
    ])
  })
})

describe('a control message', () => {
  test('asks for the sources of the registry', async () => {
    registry.sources.set(other.id, other)
    registry.sources.set(id, stored())
    await sync.onControl({ kind: 'sources-wanted' })
    expect(events).toEqual([
      ['send', 'source-known', other.id],
      ['send', 'source-known', id],
    ])
  })

  test('announces a source of another registry: it is stored and served, once', async () => {
    const sent = JSON.parse(JSON.stringify(other)) as Source
    await sync.onControl({ kind: 'source-known', source: sent })
    await sync.onControl({ kind: 'source-known', source: sent })
    expect([events, sources.list()]).toEqual([[['keep', other.id]], [other]])
    expect(registry.calls).toEqual([['renewSource', other.id]])
  })

  test('with an invalid source is ignored', async () => {
    await sync.onControl({ kind: 'source-known', source: { ...other, exchange: '' } })
    expect([events, registry.calls]).toEqual([[], []])
  })
})
