import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Source } from '../../../src/core/model/source.ts'
import type { ControlMessage } from '../../../src/core/ports/control-bus.ts'
import type { MarkNote } from '../../../src/core/ports/journal.ts'
import { SourceRouter } from '../../../src/core/sources/source-router.ts'
import { SourceSync, type SourceSyncParts } from '../../../src/core/sources/source-sync.ts'
import { sourceOn } from '../../brokers/test-source.ts'

/** A registry that answers when the test allows it, from what it held when it was asked. */
class SlowRegistry {
  readonly rows = new Map<string, Source>()
  isAway = false
  #held: (() => void)[] | undefined

  hold(): void {
    this.#held = []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const answer of held) answer()
  }

  async renewSource(source: Source) {
    if (this.isAway) throw new Error('the registry is away')
    const known = this.rows.get(source.id)
    const renewed = known && known.createdAt >= source.createdAt ? known : source
    this.rows.set(source.id, renewed)
    return renewed
  }

  async removeSource(id: string, createdUpTo?: Date) {
    const source = this.rows.get(id)
    if (!source || (createdUpTo && source.createdAt > createdUpTo)) return undefined
    this.rows.delete(id)
    return source
  }

  async addSource(source: Source) {
    const known = this.rows.get(source.id)
    if (!known) this.rows.set(source.id, source)
    return { source: known ?? source, created: !known }
  }

  async listSources() {
    const rows = [...this.rows.values()]
    if (this.#held) await new Promise<void>((answer) => this.#held?.push(answer))
    return rows
  }
}

/** The exchange's bindings, by the time of creation of their source. */
let bound: Set<number>
let registry: SlowRegistry
let sent: ControlMessage[]

interface Replica {
  readonly sync: SourceSync
  readonly sources: SourceRouter
  readonly notes: MarkNote[]
}

function replica(own = registry): Replica {
  const sources = new SourceRouter(1_000)
  const notes: MarkNote[] = []
  const broker = {
    bind: async ({ createdAt }: Source) => {
      bound.add(createdAt.getTime())
      return { declared: false }
    },
    keep: ({ createdAt }: Source) => void bound.add(createdAt.getTime()),
    unbind: async ({ createdAt }: Source) => void bound.delete(createdAt.getTime()),
  }
  const sync: SourceSync = new SourceSync({
    defaultExchange: 'warren.events',
    sources,
    registry: own,
    broker,
    control: { send: async (message: ControlMessage) => void sent.push(message) },
    appendMark: async (note: MarkNote) => {
      notes.push(note)
      if (note.kind === 'source-created') sync.onCreated(note.source)
      if (note.kind === 'source-deleted') sync.onDeleted(note.id, new Date(note.createdAt ?? 0))
    },
    isUp: () => true,
    logError: () => {},
  } as unknown as SourceSyncParts)
  return { sync, sources, notes }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const first = sourceOn('orders', { createdAt: new Date(1_000) })
const second = sourceOn('orders', { createdAt: new Date(2_000) })
const { id } = first
const known = (source: Source) => ({ kind: 'source-known', source: JSON.parse(JSON.stringify(source)) }) as const

beforeEach(() => {
  bound = new Set()
  registry = new SlowRegistry()
  sent = []
})

describe('a source that was deleted', () => {
  test('stays deleted when an answer that is older than the deletion arrives', async () => {
    const here = replica()
    here.sync.onCreated(first)
    here.sync.onDeleted(id, first.createdAt)
    await here.sync.onControl(known(first))
    await turn()
    expect(here.sources.get(id)).toBeUndefined()
    expect(registry.rows.size).toBe(0)
    expect(bound.size).toBe(0)
  })

  test('stays deleted on a replica that never served it', async () => {
    const here = replica()
    here.sync.onDeleted(id, first.createdAt)
    await here.sync.onControl(known(first))
    expect(here.sources.get(id)).toBeUndefined()
  })

  test('stays deleted when the registry was read before the deletion', async () => {
    const here = replica()
    registry.rows.set(id, first)
    registry.hold()
    const reading = here.sync.readRegistry()
    await turn()
    here.sync.onCreated(first)
    here.sync.onDeleted(id, first.createdAt)
    registry.release()
    await reading
    expect(here.sources.get(id)).toBeUndefined()
    expect(bound.size).toBe(0)
  })

  test('is not announced by a replica that knows of the deletion', async () => {
    const here = replica()
    registry.rows.set(id, first)
    registry.hold()
    const answering = here.sync.onControl({ kind: 'sources-wanted' })
    here.sync.onDeleted(id, first.createdAt)
    registry.release()
    await answering
    expect(sent).toEqual([])
  })

  test('names its life in the mark', async () => {
    const here = replica()
    registry.rows.set(id, first)
    here.sync.serve(first)
    await here.sync.delete(id)
    expect(here.notes).toEqual([{ kind: 'source-deleted', id, createdAt: first.createdAt.toISOString() }])
  })
})

describe('a source that was created again', () => {
  test('is accepted from another replica', async () => {
    const here = replica()
    here.sync.onCreated(first)
    here.sync.onDeleted(id, first.createdAt)
    await here.sync.onControl(known(second))
    expect(here.sources.get(id)?.createdAt).toEqual(second.createdAt)
  })

  test('is a life of its own when another replica has saved the deleted one late', async () => {
    const here = replica()
    here.sync.onCreated(first)
    here.sync.onDeleted(id, first.createdAt)
    await turn()
    registry.rows.set(id, first)
    const created = await here.sync.create(first)
    expect(created.createdAt.getTime()).toBeGreaterThan(first.createdAt.getTime())
    expect([...registry.rows.values()]).toEqual([created])
  })

  test('stays when another replica deletes the life before it', async () => {
    const here = replica()
    here.sync.serve(first)
    bound.add(second.createdAt.getTime())
    registry.rows.set(id, second)
    await here.sync.delete(id)
    expect(here.notes).toMatchObject([{ createdAt: first.createdAt.toISOString() }])
    expect([...registry.rows.values()]).toEqual([second])
    expect([...bound]).toEqual([second.createdAt.getTime()])
  })

  test('keeps its binding and its row when another replica reads late that it was deleted', async () => {
    const here = replica()
    const late = replica()
    for (const { sync } of [here, late]) sync.onCreated(first)
    await turn()
    await here.sync.delete(id)
    here.sync.onDeleted(id, first.createdAt)
    await turn()
    const created = await here.sync.create(second)
    late.sync.onDeleted(id, first.createdAt)
    await turn()
    expect([...bound]).toEqual([created.createdAt.getTime()])
    expect([...registry.rows.values()]).toEqual([created])
    expect(created.createdAt.getTime()).toBeGreaterThan(first.createdAt.getTime())
  })

  test('stays when a starting replica reads the old mark of its deletion', () => {
    const here = replica()
    here.sync.serve(second)
    here.sync.onCreated(first)
    here.sync.onDeleted(id, first.createdAt)
    expect(here.sources.get(id)).toBe(second)
    expect(bound).toContain(second.createdAt.getTime())
  })

  test('stays when the registry was read between the deletion and the creation', async () => {
    const here = replica()
    here.sync.serve(first)
    registry.hold()
    const reading = here.sync.readRegistry()
    await turn()
    here.sync.onDeleted(id, first.createdAt)
    here.sync.onCreated(second)
    await turn()
    registry.release()
    await reading
    expect(here.sources.get(id)).toBe(second)
    expect([...bound]).toEqual([second.createdAt.getTime()])
  })

  test('replaces the earlier life in a registry of its own', async () => {
    const own = new SlowRegistry()
    own.rows.set(id, first)
    const here = replica(own)
    here.sync.serve(first)
    here.sync.onCreated(second)
    await turn()
    expect(here.sources.get(id)).toBe(second)
    expect([...own.rows.values()]).toEqual([second])
  })
})

test('of a source that two replicas create at the same time, one life stays', async () => {
  const replicas = [replica(), replica()]
  await Promise.all(replicas.map(({ sync }) => sync.create(first)))
  const notes = replicas.flatMap((one) => one.notes)
  for (const { sync } of replicas)
    for (const note of notes) if (note.kind === 'source-created') sync.onCreated(note.source)
  await turn()
  const [row] = registry.rows.values()
  expect(replicas.map(({ sources }) => sources.get(id)?.createdAt)).toEqual([row?.createdAt, row?.createdAt])
  expect([...bound]).toEqual([row?.createdAt.getTime()])
})

test('a source of the schema is served, buffered as the others of its exchange, and cannot be deleted', async () => {
  const { sync, sources } = replica()
  sync.serve({ ...first, buffered: true })
  const [wanted, other] = [sourceOn('orders', { routingKey: 'typed.#' }), sourceOn('bills', { routingKey: 'typed.#' })]
  await sync.serveSchema([first, wanted, other])
  expect([first, wanted, other].map((one) => sources.get(one.id)?.buffered ?? false)).toEqual([true, true, false])
  expect([...registry.rows.keys()]).toEqual([wanted.id, other.id])
  await expect(sync.delete(wanted.id)).rejects.toMatchObject({ code: 'SOURCE_CONFLICT' })
  // After a reload without it, it stays until it is deleted.
  await sync.serveSchema([other])
  expect(sources.get(wanted.id)).toBeDefined()
  expect([await sync.delete(wanted.id), sources.get(wanted.id)]).toEqual([true, undefined])
})

test('a source that the registry does not take is not bound', async () => {
  registry.isAway = true
  await expect(replica().sync.create(first)).rejects.toThrow('the registry is away')
  expect(bound.size).toBe(0)
})

test('a change that the registry did not take is saved at the next one', async () => {
  const here = replica()
  registry.isAway = true
  here.sync.onCreated(first)
  await turn()
  registry.isAway = false
  here.sync.syncRegistry()
  await turn()
  expect([...registry.rows.values()]).toEqual([first])
})
