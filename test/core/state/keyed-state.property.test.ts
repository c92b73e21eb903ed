import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import * as fc from 'fast-check'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'
import { pass } from '../embedded-gateway.ts'
import { PageReader } from './page-reader.ts'
import { foldOf, StateClient } from './state-client.ts'
import { type FolderMode, type StateWorld, stateWorld } from './state-world.ts'

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
})
afterEach(() => {
  jest.useRealTimers()
})

interface Keyed {
  readonly key: number
  readonly removed: boolean
}

type Act =
  | { readonly kind: 'publish'; readonly changes: readonly Keyed[] }
  /** A client that is away while others publish. */
  | { readonly kind: 'absent'; readonly client: number; readonly changes: readonly Keyed[] }
  | { readonly kind: 'open'; readonly owner: string | undefined; readonly every: string | undefined }
  | { readonly kind: 'take'; readonly client: number; readonly count: number }
  | { readonly kind: 'cut' | 'leave'; readonly client: number }
  /** Reads a page by a query. */
  | { readonly kind: 'read'; readonly client: number; readonly first: number }
  | { readonly kind: 'folder'; readonly replica: 'here' | 'there'; readonly mode: FolderMode }
  | { readonly kind: 'pass'; readonly ms: number }

const owners = ['a', 'b', 'c']
/** A key never changes its owner: arguments select what does not change. */
const ownerOf = (key: number) => owners[key % owners.length] ?? 'a'

const change = fc.record({ key: fc.nat(11), removed: weighted([3, fc.constant(false)], [1, fc.constant(true)]) })
const client = fc.nat(5)
const act: fc.Arbitrary<Act> = weighted<Act>(
  [5, fc.record({ kind: fc.constant('publish'), changes: fc.array(change, { minLength: 1, maxLength: 20 }) })],
  [2, fc.record({ kind: fc.constant('absent'), client, changes: fc.array(change, { minLength: 20, maxLength: 40 }) })],
  [
    1,
    fc.record({
      kind: fc.constant('open'),
      owner: pick<string | undefined>('a', 'b', undefined),
      every: pick<string | undefined>('20ms', '1s', undefined),
    }),
  ],
  [4, fc.record({ kind: fc.constant('take'), client, count: pick(1, 2, 5, 100) })],
  [3, fc.record({ kind: fc.constant('cut'), client })],
  [3, fc.record({ kind: fc.constant('leave'), client })],
  [4, fc.record({ kind: fc.constant('read'), client, first: pick(1, 2, 3, 100) })],
  [
    1,
    fc.record({
      kind: fc.constant('folder'),
      replica: pick<'here' | 'there'>('here', 'there'),
      mode: pick<FolderMode>('ok', 'away', 'hold'),
    }),
  ],
  [4, fc.record({ kind: fc.constant('pass'), ms: pick(10, 150, 1_500, 12_000) })],
)

/** How often each phase was met, so that the check is known to check something. */
const met = new Map<string, number>()

async function play(world: StateWorld, acts: readonly Act[]): Promise<void> {
  const clients = [new StateClient(world, 'a'), new StateClient(world, undefined), new StateClient(world, 'b', '250ms')]
  const readers = [new PageReader(world, 'a'), new PageReader(world, undefined)]
  const clientAt = (number: number) => clients[number % clients.length]
  let value = 0
  const publish = async (changes: readonly Keyed[]): Promise<void> => {
    for (const { key, removed } of changes) {
      // What retention deletes before it is folded is lost, and only the log names it.
      if (await world.lagsBy(6)) break
      value += 1
      await world.publish(`k${key}`, ownerOf(key), removed ? undefined : value)
    }
  }
  for (const one of acts) {
    switch (one.kind) {
      case 'absent':
        clientAt(one.client)?.leave()
        await publish(one.changes)
        await pass(150)
        clientAt(one.client)?.cut()
        break
      case 'publish':
        await publish(one.changes)
        break
      case 'open':
        if (clients.length < 6) clients.push(new StateClient(world, one.owner, one.every))
        break
      case 'take':
        await clientAt(one.client)?.take(one.count)
        break
      case 'cut':
        clientAt(one.client)?.cut()
        break
      case 'leave':
        clientAt(one.client)?.leave()
        break
      case 'read':
        readers[one.client % readers.length]?.read(one.first)
        await pass(10)
        break
      case 'folder':
        world.folders[one.replica].set(one.mode)
        break
      case 'pass':
        await pass(one.ms)
    }
  }
  world.folders.here.set('ok')
  world.folders.there.set('ok')
  // A lease of a replica that was killed ends, and the other one reads what is left.
  await pass(12_000)
  await pass(3_000)
  for (const reader of readers) clients.push(await afterPages(world, reader))
  for (const one of clients) one.cut()
  // Each client takes what is there until it has the last message of its owner.
  for (const key of [0, 1, 2]) await world.publish(`last${key}`, ownerOf(key), (value += 1))
  const end = world.log.at(-1)?.offset ?? 0
  for (const one of clients) {
    const last = world.log.findLast(({ owner }) => one.owner === undefined || owner === one.owner)
    const isDone = () => one.map.get(last?.id ?? '') === last?.value
    for (let tries = 0; tries < 100 && !isDone(); tries += 1) {
      await one.take(1_000)
      await pass(200)
    }
    expect(one.failure).toBeUndefined()
    one.verify()
    expect(one.map).toEqual(foldOf(world.log, one.owner, end))
    for (const phase of one.phases) met.set(phase, (met.get(phase) ?? 0) + 1)
    if (one.gaps > 0) met.set('GAP', (met.get('GAP') ?? 0) + 1)
    one.end()
  }
}

/** Reads the pages that are left, and subscribes where the first one was read. */
async function afterPages(world: StateWorld, reader: PageReader): Promise<StateClient> {
  for (let tries = 0; tries < 100 && !reader.isDone && reader.failure === undefined; tries += 1) {
    reader.read(5)
    await pass(200)
  }
  expect(reader.failure).toBeUndefined()
  const { cursor, map } = reader
  if (!cursor || !reader.isDone) throw new Error('the pages have no end')
  if (reader.pages > 1) met.set('PAGES', (met.get('PAGES') ?? 0) + 1)
  return new StateClient(world, reader.owner, undefined, { map, cursor })
}

test('the state and all that follows it are the fold of what was published, cut and resumed anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        journalEntries: pick(12, 30, 1_000),
        windowEntries: pick(3, 10, 40),
        pageEvents: pick(1, 2, 3, 1_000),
      }),
      fc.array(act, { minLength: 5, maxLength: 40 }),
      async (options, acts) => {
        await using world = await stateWorld(options)
        await play(world, acts)
      },
    ),
    // A case takes half a second: it has a database of its own. The search for a smaller case would
    // take longer than a test may.
    { ...runs(20), endOnFailure: true },
  )
  if (isWholeRun) {
    for (const phase of ['SNAPSHOT', 'SNAPSHOT_END', 'REBASED', 'LIVE', 'PAGES'])
      expect([phase, met.get(phase) ?? 0]).not.toEqual([phase, 0])
  }
}, 300_000)
