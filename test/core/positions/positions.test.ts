import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage } from '../../../src/core/cluster/cluster.ts'
import type { GatewayParts } from '../../../src/core/gateway-parts.ts'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import { printCursor } from '../../../src/core/model/cursor.ts'
import { anonymous, anyListener, type Identity } from '../../../src/core/model/identity.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'
import { maxPositions } from '../../../src/core/positions/position-options.ts'
import type { Session, SessionSubscribeOptions } from '../../../src/core/sessions/session.ts'
import type { GatewayError } from '../../../src/errors.ts'
import { controlledGateway, operator, passed } from '../controlled-gateway.ts'
import { MemoryPositions } from '../memory-positions.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
const alice: Identity = { ...anonymous, clientId: 'alice' }
const aliceElsewhere: Identity = { ...operator, clientId: 'alice' }
let worlds: World[]

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  worlds = []
})
afterEach(async () => {
  for (const world of worlds) void world.gateway.close()
  await passed()
  jest.useRealTimers()
})

/** A replica; several share positions and the journal's contents. */
async function replica(
  store = new StoreUnderTest(),
  windowEntries = 1_000,
  given: Partial<GatewayParts> = {},
): Promise<World> {
  const world = await controlledGateway({ positionStore: store, ...given }, windowEntries)
  worlds.push(world)
  await world.open()
  world.journal.begin()
  // So that the end of the journal is known. Offsets in these tests begin behind it.
  world.journal.add({ mark: true, exchange: '' })
  return world
}

/** A replica that has not reached the journal. */
async function startingReplica(store: MemoryPositions, cursors?: GatewayParts['cursors']): Promise<World> {
  const world = await controlledGateway({ positionStore: store, replica: 'starting', ...(cursors ? { cursors } : {}) })
  worlds.push(world)
  await world.open()
  return world
}

/** Replicas that can ask each other questions. The message that a position was taken is lost. */
async function cluster<Name extends string>(names: readonly Name[], store = new StoreUnderTest()) {
  const members: Cluster[] = []
  const isCutOff = new Set<string>()
  const send = async (from: string, message: ControlMessage) => {
    for (const { replica: to } of members) if (isCutOff.has(from) || isCutOff.has(to)) return
    for (const member of members) void member.onControl(message as ClusterMessage)
  }
  const replicas = {} as Record<Name, World>
  for (const name of names) {
    const control = { send: (message: ControlMessage) => send(name, message) } as unknown as ControlBus
    const member = new Cluster({ replica: name, version: '1.0.0', control, log: () => {} })
    members.push(member)
    const cursors = worlds[0]?.gateway.cursors
    replicas[name] = await replica(store, 1_000, { replica: name, cluster: member, ...(cursors ? { cursors } : {}) })
  }
  for (const member of members) member.open()
  const add = () => {
    for (const name of names) replicas[name].journal.add()
  }
  const close = () => {
    for (const member of members) member.close()
  }
  return { replicas, store, isCutOff, add, close }
}

class StoreUnderTest extends MemoryPositions {
  failing: Error | undefined
  /** `take` waits for it. */
  taking = Promise.resolve()
  /** The answer of `take` waits for it. */
  answering = Promise.resolve()
  moves = 0

  override async take(...args: Parameters<MemoryPositions['take']>) {
    await this.taking
    if (this.failing) throw this.failing
    const taken = await super.take(...args)
    await this.answering
    return taken
  }

  override async find(...args: Parameters<MemoryPositions['find']>) {
    if (this.failing) throw this.failing
    return super.find(...args)
  }

  override async move(...args: Parameters<MemoryPositions['move']>) {
    if (this.failing) throw this.failing
    this.moves += args[0].length
    return super.move(...args)
  }
}

interface Subscribed {
  readonly session: Session
  readonly events: ChannelEvent[]
  /** Offsets of messages, reasons of gaps, and the code of the error at the end. */
  readonly story: () => unknown[]
  /** Called when the subscription has ended. */
  onEnd: () => void
}

function subscribe(
  world: World,
  options: SessionSubscribeOptions = {},
  identity = alice,
  channel = 'alice',
): Subscribed {
  const session = world.gateway.openSession({ identity, transport: 'in-process', onClose: () => {} })
  const events: ChannelEvent[] = []
  let end: unknown[] = []
  const subscribed: Subscribed = { session, events, story: () => [...storyOf(events), ...end], onEnd: () => {} }
  const subscription = session.subscribe({ clientId: channel, position: 'phone', ...options })
  subscription.pipe({
    take: (event) => events.push(event) > 0,
    end: (failure) => {
      end = [failure?.code ?? 'ended']
      subscribed.onEnd()
    },
  })
  return subscribed
}

function storyOf(events: readonly ChannelEvent[]): unknown[] {
  return events.map((event) => (event.kind === 'GAP' ? event.reason : event.cursor.offset - 1))
}

function cursorAt({ events }: Subscribed, offset: number): string {
  const found = events.find((event) => event.kind === 'MESSAGE' && event.cursor.offset === offset + 1)
  if (!found) throw new Error(`no event at ${offset}`)
  return printCursor(found.cursor)
}

function codeOf(call: () => unknown): unknown {
  try {
    call()
    return 'nothing'
  } catch (error) {
    return `${(error as GatewayError).code} ${(error as Error).message}`
  }
}

async function refusal(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'nothing',
    (error: GatewayError) => error.code,
  )
}

function placeIn(store: MemoryPositions, name = 'phone'): number | undefined {
  const place = [...store.rows.values()].find((row) => row.name === name)?.place
  return place && place.offset - 1
}

describe('a subscription with a position', () => {
  test('begins at the live end as of the call, and then where the acks are, on any replica', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    world.journal.add()
    let take = (): void => undefined
    store.taking = new Promise((resolve) => {
      take = resolve
    })
    const first = subscribe(world)
    await passed()
    // Published while the registry is slow.
    world.journal.add()
    await passed(100)
    expect(first.story()).toEqual([])
    take()
    await passed(100)
    world.journal.add()
    expect(first.story()).toEqual([1, 2])
    expect(await world.gateway.positions.ack(alice, 'phone', cursorAt(first, 1))).toBe(true)
    first.session.end('client')
    await passed(1_100)
    world.journal.add()

    const other = await replica(store)
    for (let n = 0; n < 4; n += 1) other.journal.add()
    const second = subscribe(other)
    await passed(100)
    expect(second.story()).toEqual([2, 3])
  })

  test('keeps its start without an ack, so that nothing is missed', async () => {
    const world = await replica()
    world.journal.add()
    const first = subscribe(world)
    await passed()
    first.session.end('client')
    world.journal.add()
    const second = subscribe(world)
    await passed(100)
    expect(second.story()).toEqual([1])
  })

  test('starts at `after` if both are given, and still takes the position', async () => {
    const world = await replica()
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 4; n += 1) world.journal.add()
    expect(await world.gateway.positions.ack(alice, 'phone', cursorAt(probe, 2))).toBe(true)
    const first = subscribe(world)
    await passed(100)
    const second = subscribe(world, { after: cursorAt(probe, 0) })
    await passed(100)
    expect([first.story(), second.story()]).toEqual([
      [3, 'POSITION_TAKEN'],
      [1, 2, 3],
    ])
  })

  test('is moved by what was delivered if it wants that, within a second, in one write', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const subscribed = subscribe(world, { autoAck: 'DELIVERED' })
    await passed(100)
    for (let n = 0; n < 50; n += 1) world.journal.add()
    expect(placeIn(store)).not.toBe(49)
    await passed(1_000)
    expect([placeIn(store), store.moves]).toEqual([49, 1])
    world.journal.add()
    subscribed.session.end('client')
    await passed()
    expect(placeIn(store)).toBe(50)
  })

  test('ends with an error to retry if the registry is away, and its session stays', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    store.failing = new Error('away')
    const subscribed = subscribe(world)
    const neighbour = subscribed.session.subscribe({ clientId: 'alice' })
    await passed(100)
    expect([subscribed.story(), subscribed.session.ended, neighbour.ended]).toEqual([['DELIVERY_FAILED'], false, false])
  })

  test('is refused for other arguments, other names, with last, and without a client id', async () => {
    const world = await replica()
    subscribe(world, {}, aliceElsewhere)
    await passed()
    const other = subscribe(world, {}, aliceElsewhere, 'bob')
    await passed()
    expect(other.story()).toEqual(['BAD_USER_INPUT'])
    expect(codeOf(() => subscribe(world, { last: 3 }))).toMatch(/^BAD_USER_INPUT last: /)
    expect(codeOf(() => subscribe(world, { position: 'my phone' }))).toMatch(/^BAD_USER_INPUT position: /)
    expect(codeOf(() => subscribe(world, { position: '' }))).toMatch(/^BAD_USER_INPUT position: /)
    expect(codeOf(() => subscribe(world, { autoAck: 'SEEN' as never }))).toMatch(/^BAD_USER_INPUT autoAck: /)
    expect(codeOf(() => subscribe(world, { position: null, autoAck: 'DELIVERED' }))).toMatch(
      /^BAD_USER_INPUT autoAck: /,
    )
    expect(codeOf(() => subscribe(world, {}, anyListener))).toMatch(/^BAD_USER_INPUT position: /)
    expect(codeOf(() => subscribe(world, {}, { ...aliceElsewhere, disowned: true }))).toMatch(/^FORBIDDEN /)
  })
})

describe('a later subscription takes the position', () => {
  test('on the same replica: the older one ends at once, and receives nothing of its queue', async () => {
    const world = await replica()
    const session = world.gateway.openSession({ identity: alice, transport: 'in-process', onClose: () => {} })
    const slow = session.subscribe({ clientId: 'alice', position: 'phone' })
    const neighbour = subscribe(world, { position: undefined })
    await passed(100)
    for (let n = 0; n < 3; n += 1) world.journal.add()
    expect(slow.queued).toHaveLength(3)
    const second = subscribe(world)
    await passed(100)
    await expect(slow.next()).rejects.toMatchObject({ code: 'POSITION_TAKEN' })
    expect([second.story(), neighbour.story(), session.ended]).toEqual([[0, 1, 2], [0, 1, 2], false])
  })

  test('on another replica, which notifies this one; a message about an older subscription changes nothing', async () => {
    const store = new StoreUnderTest()
    const [one, other] = [await replica(store), await replica(store)]
    const first = subscribe(one)
    await passed(10)
    const second = subscribe(other)
    await passed(10)
    const taken = [...one.sent, ...other.sent].filter(({ kind }) => kind === 'position-taken')
    expect(taken).toHaveLength(2)
    for (const message of taken) other.control.onMessage(message)
    await passed()
    expect(second.story()).toEqual([])
    for (const message of taken.toReversed()) one.control.onMessage(message)
    await passed()
    expect([first.story(), second.story()]).toEqual([['POSITION_TAKEN'], []])
  })

  test('and begins after what the older one acked, stored or not, on any replica', async () => {
    const { replicas, add, store, close } = await cluster(['a', 'b', 'c'])
    const first = subscribe(replicas.a, { autoAck: 'DELIVERED' })
    await passed(100)
    for (let n = 0; n < 3; n += 1) add()
    const second = subscribe(replicas.b)
    await passed(100)
    // Nothing was stored yet, and the older one receives nothing after its last ack.
    expect([first.story(), store.moves]).toEqual([[0, 1, 2, 'POSITION_TAKEN'], 0])
    add()
    add()
    expect(await replicas.b.gateway.positions.ack(alice, 'phone', cursorAt(second, 3))).toBe(true)
    second.session.end('client')
    const third = subscribe(replicas.c, { autoAck: 'DELIVERED' })
    await passed(100)
    const fourth = subscribe(replicas.c)
    await passed(100)
    expect([second.story(), third.story(), fourth.story()]).toEqual([[3, 4, 'ended'], [4, 'POSITION_TAKEN'], []])
    await passed(1_100)
    expect(placeIn(store)).toBe(4)
    const takenBy = ({ gateway }: World) => gateway.positions.counts.taken
    expect(takenBy(replicas.b)).toEqual({ none: 0, here: 0, answered: 1, unanswered: 0 })
    expect(takenBy(replicas.c)).toEqual({ none: 0, here: 1, answered: 1, unanswered: 0 })
    close()
  })

  test('and begins where it is stored if the replica of the older one does not answer', async () => {
    const { replicas, add, isCutOff, close } = await cluster(['a', 'b'])
    const first = subscribe(replicas.a, { autoAck: 'DELIVERED' })
    await passed(100)
    add()
    isCutOff.add('a')
    const second = subscribe(replicas.b)
    await passed(400)
    expect(second.story()).toEqual([])
    await passed(200)
    expect([first.story(), second.story()]).toEqual([[0], [0]])
    expect(replicas.b.gateway.positions.counts.taken.unanswered).toBe(1)
    close()
  })

  test('also if the older one still waits for the registry, which answers in any order', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    let answer = (): void => undefined
    store.taking = new Promise((resolve) => {
      answer = resolve
    })
    const first = subscribe(world)
    await passed(10)
    store.taking = Promise.resolve()
    const second = subscribe(world)
    const third = subscribe(world)
    await passed(10)
    answer()
    await passed(100)
    world.journal.add()
    await passed(100)
    expect([first.story(), second.story(), third.story()]).toEqual([['POSITION_TAKEN'], ['POSITION_TAKEN'], [0]])
    expect(world.lines.filter(([, text]) => text.includes('position'))).toEqual([])
  })

  test('but one that ended before its answer takes nothing, and the other one goes on under its number', async () => {
    const store = new StoreUnderTest()
    const named = (name: string) => replica(store, 1_000, { replica: name })
    const [one, other, third] = [await named('one'), await named('other'), await named('third')]
    // It has lost the position to the others, and does not know it yet.
    const stale = subscribe(third)
    await passed(10)
    let answer = (): void => undefined
    store.taking = new Promise((resolve) => {
      answer = resolve
    })
    const left = subscribe(one)
    await passed(10)
    left.session.end('client')
    store.taking = Promise.resolve()
    const present = subscribe(other, { autoAck: 'DELIVERED' })
    await passed(10)
    answer()
    await passed(10)
    expect(one.sent.map(({ kind }) => kind)).not.toContain('position-taken')
    for (const message of one.sent) for (const at of [other, third]) at.control.onMessage(message)
    await passed(10)
    other.journal.add()
    // Longer than acks wait, and than numbers are compared.
    await passed(31_000)
    expect([present.story(), placeIn(store), stale.story()]).toEqual([[0], 0, ['POSITION_TAKEN']])
  })

  test('and one that ended before it began leaves the acks of the other one to the next', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const first = subscribe(world, { autoAck: 'DELIVERED' })
    await passed(10)
    let answer = (): void => undefined
    store.taking = new Promise((resolve) => {
      answer = resolve
    })
    const second = subscribe(world)
    await passed(10)
    for (let n = 0; n < 3; n += 1) world.journal.add()
    first.onEnd = () => second.session.end('client')
    answer()
    await passed(10)
    expect([first.story(), second.story(), placeIn(store)]).toEqual([[0, 1, 2, 'POSITION_TAKEN'], ['ended'], -1])
    const third = subscribe(world)
    await passed(10)
    world.journal.add()
    await passed(10)
    expect(third.story()).toEqual([3])
  })

  test('also if the registry answers the older one late: that one may try again', async () => {
    const store = new StoreUnderTest()
    const named = (name: string) => replica(store, 1_000, { replica: name })
    const [slow, other] = [await named('slow'), await named('other')]
    let answer = (): void => undefined
    store.taking = new Promise((resolve) => {
      answer = resolve
    })
    const older = subscribe(slow)
    await passed(1_000)
    store.taking = Promise.resolve()
    const newer = subscribe(other, { autoAck: 'DELIVERED' })
    await passed(100)
    answer()
    await passed(10)
    for (const message of slow.sent) other.control.onMessage(message)
    for (const { journal } of [slow, other]) journal.add()
    // Longer than acks wait, and than numbers are compared.
    await passed(31_000)
    expect([older.story(), newer.story(), placeIn(store)]).toEqual([['REGISTRY_UNAVAILABLE'], [0], 0])
    const again = subscribe(slow)
    await passed(100)
    for (const message of slow.sent) other.control.onMessage(message)
    expect([again.story(), newer.story()]).toEqual([[], [0, 'POSITION_TAKEN']])
  })

  test('also if the older one waits on a replica that has not reached the journal', async () => {
    const store = new StoreUnderTest()
    const present = await replica(store, 1_000, { replica: 'present' })
    const starting = await startingReplica(store)
    const first = subscribe(starting)
    await passed(10)
    const second = subscribe(present)
    await passed(10)
    starting.journal.begin()
    starting.journal.add({ mark: true, exchange: '' })
    // No control message arrives: the numbers are compared with the registry.
    await passed(31_000)
    for (const { journal } of [present, starting]) journal.add()
    await passed(10)
    expect([first.story(), second.story()]).toEqual([['POSITION_TAKEN'], [0]])
  })

  test('and one that waited for the journal begins behind an ack that came meanwhile', async () => {
    const store = new StoreUnderTest()
    const present = await replica(store)
    const starting = await startingReplica(store, present.gateway.cursors)
    const waiting = subscribe(starting)
    const reader = subscribe(present, { position: undefined })
    for (let n = 0; n < 3; n += 1) present.journal.add()
    await passed(10)
    expect([placeIn(store), reader.story()]).toEqual([undefined, [0, 1, 2]])
    expect(await present.gateway.positions.ack(alice, 'phone', cursorAt(reader, 0))).toBe(true)
    await passed(1_100)
    starting.journal.add({ mark: true, exchange: '' })
    for (let n = 0; n < 3; n += 1) starting.journal.add()
    starting.journal.begin()
    await passed(100)
    expect([placeIn(store), waiting.story()]).toEqual([0, [1, 2]])
  })

  test('and one that waited for the journal stores where it begins', async () => {
    const store = new StoreUnderTest()
    const starting = await startingReplica(store)
    const waiting = subscribe(starting)
    await passed(10)
    starting.journal.add({ mark: true, exchange: '' })
    starting.journal.add()
    starting.journal.begin()
    await passed(10)
    expect([placeIn(store), waiting.story()]).toEqual([0, []])
    starting.journal.add()
    await passed(10)
    expect(waiting.story()).toEqual([1])
  })

  test('and a position that was deleted meanwhile has no earlier acks', async () => {
    const { replicas, add, close } = await cluster(['a', 'b'])
    const first = subscribe(replicas.a, { autoAck: 'DELIVERED' })
    await passed(100)
    for (let n = 0; n < 3; n += 1) add()
    // The message about the deletion is lost.
    await replicas.b.gateway.positions.remove({ clientId: 'alice', name: 'phone' })
    expect(await replicas.b.gateway.positions.ack(alice, 'phone', cursorAt(first, 0))).toBe(true)
    const second = subscribe(replicas.b)
    await passed(100)
    expect(second.story()).toEqual([1, 2])
    close()
  })

  test('also if the message about it is lost: at the next write, or the next comparison', async () => {
    const store = new StoreUnderTest()
    const [one, other] = [await replica(store), await replica(store)]
    const first = subscribe(one, { autoAck: 'DELIVERED' })
    await passed(10)
    const second = subscribe(other)
    await passed(100)
    one.journal.add()
    await passed(1_000)
    // Its late ack was refused, because the other subscription had begun before it.
    expect([first.story(), placeIn(store)]).toEqual([[0, 'POSITION_TAKEN'], -1])
    const third = subscribe(one)
    await passed(30_000)
    expect([second.story(), third.story().includes('POSITION_TAKEN')]).toEqual([['POSITION_TAKEN'], false])
  })

  test('and a deletion ends it on every replica, even if the position is there again', async () => {
    const store = new StoreUnderTest()
    const [one, other] = [await replica(store), await replica(store)]
    const first = subscribe(one)
    await passed(10)
    expect(await other.gateway.positions.remove({ clientId: 'alice', name: 'phone' })).toBe(true)
    expect(await other.gateway.positions.remove({ clientId: 'alice', name: 'phone' })).toBe(false)
    const second = subscribe(other)
    await passed(30_000)
    expect([first.story(), second.story()]).toEqual([['POSITION_TAKEN'], []])
  })
})

describe('a subscription with a slow registry', () => {
  /** `answer`: lets the registry answer the subscriptions that asked since. */
  function slowStore() {
    const store = new StoreUnderTest()
    let answer = (): void => undefined
    const hold = () => {
      store.taking = new Promise((resolve) => {
        answer = () => {
          store.taking = Promise.resolve()
          resolve()
        }
      })
    }
    return { store, hold, answer: () => answer() }
  }

  test('keeps a position that another one took within a second after it, and not later', async () => {
    for (const [lateMs, story] of [
      [1_000, []],
      [1_001, ['REGISTRY_UNAVAILABLE']],
    ] as const) {
      const { store, hold, answer } = slowStore()
      const [slow, other] = [await replica(store, 1_000, { replica: 'slow' }), await replica(store)]
      hold()
      const older = subscribe(slow)
      await passed(10)
      store.taking = Promise.resolve()
      subscribe(other)
      await passed(lateMs - 10)
      answer()
      await passed(10)
      expect(older.story()).toEqual(story)
    }
  })

  test('keeps a position that no other one took meanwhile, however late the answer is', async () => {
    const { store, hold, answer } = slowStore()
    const world = await replica(store)
    const first = subscribe(world)
    await passed(10)
    first.session.end('client')
    await passed(10)
    for (const name of ['phone', 'new']) {
      hold()
      const late = subscribe(world, { position: name })
      await passed(5_000)
      answer()
      await passed(10)
      world.journal.add()
      await passed(10)
      expect([late.story(), world.sent.filter(({ kind }) => kind === 'position-returned')]).toEqual([
        [expect.any(Number)],
        [],
      ])
      late.session.end('client')
      await passed(10)
    }
  })

  test('that ended meanwhile returns nothing if it is the first one', async () => {
    const { store, hold, answer } = slowStore()
    const world = await replica(store)
    hold()
    const left = subscribe(world)
    await passed(10)
    left.session.end('client')
    answer()
    await passed(10)
    const sent = world.sent.filter(({ kind }) => kind.startsWith('position-'))
    expect([sent, world.gateway.positions.counts.held, left.story()]).toEqual([[], 0, ['ended']])
  })
})

describe('what was acked', () => {
  const acks = (world: World, probe: Subscribed, offset: number) =>
    world.gateway.positions.ack(alice, 'phone', cursorAt(probe, offset))
  const failures = ({ lines }: World) => lines.filter(([level]) => level !== 'info')

  test('and is not stored yet is where a subscription of the same replica begins', async () => {
    const world = await replica()
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 5; n += 1) world.journal.add()
    expect([await acks(world, probe, 1), await acks(world, probe, 3)]).toEqual([true, true])
    const subscribed = subscribe(world)
    await passed(100)
    expect(subscribed.story()).toEqual([4])
  })

  test('by the client, and is not stored yet, is where a subscription of another replica begins', async () => {
    const { replicas, add, close } = await cluster(['a', 'b'])
    const first = subscribe(replicas.a)
    await passed(100)
    for (let n = 0; n < 5; n += 1) add()
    expect(await acks(replicas.a, first, 3)).toBe(true)
    const second = subscribe(replicas.b)
    await passed(100)
    expect(second.story()).toEqual([4])
    close()
  })

  test('on another replica is stored by the one that took the position', async () => {
    const { replicas, add, store, close } = await cluster(['a', 'b'])
    subscribe(replicas.a, { autoAck: 'DELIVERED' })
    await passed(100)
    for (let n = 0; n < 3; n += 1) add()
    subscribe(replicas.b)
    await passed(1_200)
    expect(placeIn(store)).toBe(2)
    close()
  })

  test('is not stored again by a subscription that begins there', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    for (let n = 0; n < 2; n += 1) {
      const session = world.gateway.openSession({ identity: alice, transport: 'in-process', onClose: () => {} })
      const subscription = session.subscribe({ clientId: 'alice', position: 'phone' })
      await passed(100)
      expect(subscription.position).toMatchObject({ offset: 0, codec: world.gateway.cursors })
      expect(world.gateway.positions.counts.waiting).toBe(0)
    }
    await passed(1_200)
    expect([store.moves, failures(world)]).toEqual([0, []])
  })

  test('stays with its subscription when a later one returns the position', async () => {
    const store = new StoreUnderTest()
    const [left, present] = [
      await replica(store, 1_000, { replica: 'left' }),
      await replica(store, 1_000, { replica: 'present' }),
    ]
    const stays = subscribe(present, { autoAck: 'DELIVERED' })
    await passed(100)
    let answer = (): void => undefined
    store.answering = new Promise((resolve) => {
      answer = resolve
    })
    const leaves = subscribe(left)
    await passed(100)
    // Its ack has the former number.
    present.journal.add()
    leaves.session.end('client')
    answer()
    await passed(100)
    for (const message of left.sent) present.control.onMessage(message)
    await passed(1_200)
    expect([stays.story(), placeIn(store)]).toEqual([[0], 0])
  })

  test('is known on its replica though all its subscriptions ended before the registry answered', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const first = subscribe(world, { autoAck: 'DELIVERED' })
    await passed(100)
    for (let n = 0; n < 3; n += 1) world.journal.add()
    await passed(100)
    let answer = (): void => undefined
    store.answering = new Promise((resolve) => {
      answer = resolve
    })
    const second = subscribe(world)
    await passed(100)
    world.journal.add()
    // Its number is no longer that of the position, so its last ack is not stored.
    first.session.end('client')
    second.session.end('client')
    answer()
    await passed(100)
    for (const message of world.sent) world.control.onMessage(message)
    const third = subscribe(world)
    await passed(100)
    expect([first.story(), third.story(), failures(world)]).toEqual([[0, 1, 2, 3, 'ended'], [], []])
  })

  test.each([true, false])(
    'before a deletion elsewhere is forgotten (its subscription has ended: %s)',
    async (ends) => {
      const store = new StoreUnderTest()
      const one = await replica(store)
      const other = await replica(store, 1_000, { cursors: one.gateway.cursors, replica: 'other' })
      const first = subscribe(one, { autoAck: 'DELIVERED' })
      await passed(100)
      for (let n = 0; n < 4; n += 1) one.journal.add()
      await passed(1_200)
      if (ends) first.session.end('client')
      await passed(100)
      // The message about it is lost.
      await other.gateway.positions.remove({ clientId: 'alice', name: 'phone' })
      expect(await acks(other, first, 0)).toBe(true)
      for (let n = 0; n < 2; n += 1) {
        const next = subscribe(one)
        await passed(100)
        expect(next.story()).toEqual([1, 2, 3])
        next.session.end('client')
        await passed(100)
      }
    },
  )

  test('is forgotten when a write finds the position deleted, so that the client can add it again', async () => {
    const store = new StoreUnderTest()
    const one = await replica(store)
    const other = await replica(store)
    const probe = subscribe(one, { position: undefined })
    for (let n = 0; n < 4; n += 1) one.journal.add()
    expect([await acks(one, probe, 1), await acks(one, probe, 3)]).toEqual([true, true])
    await other.gateway.positions.remove({ clientId: 'alice', name: 'phone' })
    await passed(1_200)
    expect(await acks(one, probe, 2)).toBe(true)
    expect(placeIn(store)).toBe(2)
  })

  test('in the journal of the position needs no mark to know its epoch', async () => {
    const world = await replica()
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 4; n += 1) world.journal.add()
    const { length } = world.journal.notes
    for (const offset of [1, 3]) expect(await acks(world, probe, offset)).toBe(true)
    await passed(100)
    expect(world.journal.notes).toHaveLength(length)
  })
})

describe('a subscription that waits for the journal', () => {
  test('stores no place if it has ended meanwhile', async () => {
    const store = new StoreUnderTest()
    const starting = await startingReplica(store)
    const left = subscribe(starting)
    await passed(10)
    left.session.end('client')
    starting.journal.add({ mark: true, exchange: '' })
    starting.journal.begin()
    await passed(10)
    expect([placeIn(store), starting.gateway.positions.counts.held]).toEqual([undefined, 0])
  })

  test('ends at once if a later one has the position', async () => {
    const store = new StoreUnderTest()
    const [starting, present] = [await startingReplica(store), await replica(store, 1_000, { replica: 'present' })]
    const waiting = subscribe(starting)
    await passed(10)
    subscribe(present)
    await passed(10)
    starting.journal.add({ mark: true, exchange: '' })
    starting.journal.begin()
    await passed(10)
    expect(waiting.story()).toEqual(['POSITION_TAKEN'])
    expect(starting.lines.filter(([, text]) => text.includes('position'))).toEqual([])
  })

  test('begins behind an ack of the same moment', async () => {
    const store = new StoreUnderTest()
    const present = await replica(store)
    const starting = await startingReplica(store, present.gateway.cursors)
    const probe = subscribe(present, { position: undefined })
    present.journal.add()
    subscribe(starting)
    await passed()
    expect([...store.rows.values()].map(({ place }) => place)).toEqual([undefined])
    expect(await present.gateway.positions.ack(alice, 'phone', cursorAt(probe, 0))).toBe(true)
    await passed(1_100)
    expect(placeIn(store)).toBe(0)
  })
})

test('a failure of the registry is reported with its cause', async () => {
  const store = new StoreUnderTest()
  const world = await replica(store)
  store.failing = new Error('the disk is full')
  subscribe(world)
  await passed(10)
  expect(world.lines).toContainEqual([
    'warn',
    expect.stringMatching(/^taking a position failed: Error: the disk is full\n/),
  ])
})

test('a resync compares the numbers at once, because control messages may be lost', async () => {
  const store = new StoreUnderTest()
  const [one, other] = [await replica(store), await replica(store)]
  const first = subscribe(one)
  await passed(10)
  subscribe(other)
  await passed(10)
  expect(first.story()).toEqual([])
  one.gateway.positions.onResync()
  await passed(10)
  expect(first.story()).toEqual(['POSITION_TAKEN'])
})

describe('the positions of a client', () => {
  test('are listed with acks that are not stored yet', async () => {
    const world = await replica()
    subscribe(world, { autoAck: 'DELIVERED' })
    subscribe(world, {}, { ...alice, clientId: 'bob' }, 'bob')
    await passed(10)
    world.journal.add()
    await passed(10)
    const found = await world.gateway.positions.listOf('alice')
    expect(found.map(({ name, place }) => [name, place && place.offset - 1])).toEqual([['phone', 0]])
    world.journal.add()
    expect(await world.gateway.positions.behind(found[0]!, alice)).toEqual({ count: 1, atLeast: false })
  })

  test('are removed with a deleted client, and end on every replica', async () => {
    const store = new StoreUnderTest()
    const [one, other] = [await replica(store), await replica(store)]
    const [phone, bob] = [subscribe(one), subscribe(one, {}, { ...alice, clientId: 'bob' }, 'bob')]
    const tablet = subscribe(other, { position: 'tablet' })
    await passed(10)
    await one.gateway.positions.removeAllOf('alice')
    expect([...store.rows.values()].map(({ clientId }) => clientId)).toEqual(['bob'])
    const deleted = one.sent.filter(({ kind }) => kind === 'position-deleted')
    expect(deleted).toEqual(['phone', 'tablet'].map((name) => ({ kind: 'position-deleted', clientId: 'alice', name })))
    for (const message of deleted) other.control.onMessage(message)
    await passed(10)
    expect([phone, tablet, bob].map(({ story }) => story())).toEqual([['POSITION_TAKEN'], ['POSITION_TAKEN'], []])
  })

  test('have no acks from before their deletion', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 4; n += 1) world.journal.add()
    const ack = (offset: number) => world.gateway.positions.ack(alice, 'phone', cursorAt(probe, offset))
    expect([await ack(1), await ack(3)]).toEqual([true, true])
    await world.gateway.positions.remove({ clientId: 'alice', name: 'phone' })
    // It is a new position, so the place may be an earlier one.
    expect(await ack(2)).toBe(true)
    await passed(1_100)
    expect(placeIn(store)).toBe(2)
  })
})

describe('an ack', () => {
  test('moves nothing if it is the place of the position already, also on another replica', async () => {
    const store = new StoreUnderTest()
    const one = await replica(store)
    const other = await replica(store, 1_000, { cursors: one.gateway.cursors })
    const probe = subscribe(one, { position: undefined })
    for (let n = 0; n < 4; n += 1) one.journal.add()
    const ack = ({ gateway }: World, offset: number) => gateway.positions.ack(alice, 'phone', cursorAt(probe, offset))
    expect(await ack(one, 2)).toBe(true)
    await passed(10)
    expect([await ack(other, 2), await ack(other, 1), await ack(other, 3)]).toEqual([false, false, true])
  })

  test('on a replica that did not add the position counts if it is later, at the same time too', async () => {
    const store = new StoreUnderTest()
    const one = await replica(store)
    const other = await replica(store, 1_000, { cursors: one.gateway.cursors })
    const probe = subscribe(one, { position: undefined })
    for (let n = 0; n < 4; n += 1) one.journal.add()
    // The clock stands still: all three come in one millisecond.
    expect(await one.gateway.positions.ack(alice, 'phone', cursorAt(probe, 1))).toBe(true)
    expect(await other.gateway.positions.ack(alice, 'phone', cursorAt(probe, 0))).toBe(false)
    expect(await other.gateway.positions.ack(alice, 'phone', cursorAt(probe, 3))).toBe(true)
    await passed(1_100)
    expect(placeIn(store)).toBe(3)
  })

  test('is refused with a cursor that is no text', async () => {
    const world = await replica()
    for (const cursor of [undefined, null, 7, {}])
      expect(await refusal(world.gateway.positions.ack(alice, 'phone', cursor))).toBe('BAD_USER_INPUT')
  })

  test('only moves forward, may come before the subscription, and is stored at the end', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 5; n += 1) world.journal.add()
    const ack = (offset: number) => world.gateway.positions.ack(alice, 'tablet', cursorAt(probe, offset))
    expect([await ack(1), await ack(3), await ack(2), await ack(3)]).toEqual([true, true, false, false])
    await world.gateway.close()
    expect(placeIn(store, 'tablet')).toBe(3)
  })

  test('is refused without a client, with a wrong cursor or name, and beyond the number of positions', async () => {
    const world = await replica()
    const probe = subscribe(world, { position: undefined })
    world.journal.add()
    const cursor = cursorAt(probe, 0)
    const { positions } = world.gateway
    expect(await refusal(positions.ack(anonymous, 'a', cursor))).toBe('UNAUTHENTICATED')
    expect(await refusal(positions.ack(operator, 'a', cursor))).toBe('BAD_USER_INPUT')
    expect(await refusal(positions.ack(alice, 'a b', cursor))).toBe('BAD_USER_INPUT')
    expect(await refusal(positions.ack(alice, 'a', `${cursor}x`))).toBe('BAD_USER_INPUT')
    for (let n = 0; n < maxPositions; n += 1) expect(await positions.ack(alice, `device-${n}`, cursor)).toBe(true)
    expect(await refusal(positions.ack(alice, 'one-more', cursor))).toBe('LIMIT_EXCEEDED')
    const subscribed = subscribe(world, { position: 'one-more' })
    await passed()
    expect(subscribed.story()).toEqual(['LIMIT_EXCEEDED'])
  })

  test('of another journal counts only if that is the present one', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    const probe = subscribe(world, { position: undefined })
    for (let n = 0; n < 5; n += 1) world.journal.add()
    const old = cursorAt(probe, 4)
    const ack = (cursor: string) => world.gateway.positions.ack(alice, 'phone', cursor)
    expect(await ack(cursorAt(probe, 2))).toBe(true)
    world.journal.replace()
    world.journal.add()
    world.journal.add()
    const message = probe.events.findLast((event) => event.kind === 'MESSAGE')
    const now = printCursor(message!.cursor)
    expect(message!.cursor.epoch).not.toBe(probe.events[0]!.cursor.epoch)
    expect(await ack(now)).toBe(true)
    expect(await ack(old)).toBe(false)
    await passed(1_100)
    expect([...store.rows.values()].map(({ place }) => place?.epoch)).toEqual([message!.cursor.epoch])
  })

  test('waits while the registry is away, and is stored when it is back', async () => {
    const store = new StoreUnderTest()
    const world = await replica(store)
    subscribe(world, { autoAck: 'DELIVERED' })
    await passed()
    store.failing = new Error('away')
    for (let n = 0; n < 3; n += 1) world.journal.add()
    await passed(3_000)
    expect(world.gateway.positions.counts).toMatchObject({ held: 1, waiting: 1 })
    store.failing = undefined
    await passed(5_000)
    expect([placeIn(store), world.gateway.positions.counts.waiting]).toEqual([2, 0])
  })
})

test('a position expires after its last use, which a subscription that has it renews', async () => {
  const store = new StoreUnderTest()
  const world = await replica(store)
  subscribe(world)
  const left = subscribe(world, { position: 'tablet' })
  await passed()
  left.session.end('client')
  await passed(26 * 3_600_000)
  expect([...store.rows.values()].map(({ name }) => name)).toEqual(['phone'])
})

describe('the number of messages behind a position', () => {
  test('is counted in the window, and before it in a bounded part of the journal', async () => {
    const world = await replica(new StoreUnderTest(), 20)
    const probe = subscribe(world, { position: undefined })
    world.journal.add()
    await world.gateway.positions.ack(alice, 'phone', cursorAt(probe, 0))
    const unread = () => world.gateway.positions.unreadIn('alice', { clientId: 'alice', name: 'phone' })
    for (let n = 0; n < 3; n += 1) {
      world.journal.add()
      world.journal.add({ routingKey: 'client.bob' })
    }
    expect([await unread(), world.journal.scans]).toEqual([{ count: 3, atLeast: false }, []])
    for (let n = 0; n < 30; n += 1) world.journal.add()
    // Counted from where the count before has ended, all callers together.
    const all = { count: 33, atLeast: false }
    expect(await Promise.all([unread(), unread()])).toEqual([all, all])
    expect(world.journal.scans).toHaveLength(1)
    expect(await unread()).toEqual({ count: 33, atLeast: false })
    expect(world.journal.scans).toHaveLength(1)
  })

  test('is refused for a position in another channel, or in a typed field', async () => {
    const world = await replica()
    subscribe(world)
    await passed(10)
    world.journal.add()
    const phone = { clientId: 'alice', name: 'phone' }
    const { positions } = world.gateway
    expect(await positions.unreadIn('alice', phone)).toEqual({ count: 1, atLeast: false })
    await expect(positions.unreadIn('bob', phone)).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: 'position: "phone" is the position of ["channel",{"clientId":"alice"}], not of channel "bob"',
    })
  })

  test('is a lower bound if too much is before the window, and unknown for another journal', async () => {
    const world = await replica(new StoreUnderTest(), 20)
    const probe = subscribe(world, { position: undefined })
    world.journal.add()
    await world.gateway.positions.ack(alice, 'phone', cursorAt(probe, 0))
    const [, entry] = world.journal.entries
    const older = Array.from({ length: 50_100 }, (_, n) => ({
      ...entry!,
      offset: n + 2,
      routingKey: n % 2 === 0 ? 'client.bob' : 'client.alice',
    }))
    world.journal.entries.push(...older)
    for (let n = 0; n < 30; n += 1) world.journal.add({ offset: 50_102 + n })
    const unread = () => world.gateway.positions.unreadIn('alice', { clientId: 'alice', name: 'phone' })
    const found = await unread()
    expect(found?.atLeast).toBe(true)
    expect(found?.count).toBeGreaterThanOrEqual(25_000)
    expect(found?.count).toBeLessThan(25_050)
    world.journal.replace()
    world.journal.add()
    expect(await unread()).toBeUndefined()
    expect(await world.gateway.positions.unreadIn('alice', { clientId: 'alice', name: 'none' })).toBeUndefined()
  })
})
