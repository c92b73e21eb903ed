import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { noScope } from '../../../src/core/model/identity.ts'
import { messageAt } from '../delivery/events.ts'
import { alice, endsOf, ObservedSessions, operator, startedAt } from './observed-sessions.ts'

let world: ObservedSessions
beforeEach(() => {
  world = new ObservedSessions()
})
afterEach(() => world.close())

test('a session has an id of its own, and the time at which it opened', () => {
  world.limits.maxConnections = 40
  world.limits.maxConnectionsPerClient = 40
  jest.advanceTimersByTime(60_000)
  const opened = Array.from({ length: 37 }, () => world.open())
  jest.advanceTimersByTime(5_000)
  const numbers = opened.map(({ id }) => /^[0-9a-f]{12}-([0-9a-z]+)$/.exec(id)?.[1])
  expect([numbers[0], numbers[9], numbers[36]]).toEqual(['1', 'a', '11'])
  expect(opened[0]?.since).toBe(startedAt + 60_000)
  opened[0]?.end('client')
  expect(world.logged[0]?.[2]).toMatchObject({ seconds: 5 })
})

test('counts what all its subscriptions delivered and dropped, also ended ones', async () => {
  const session = world.open()
  expect(session.counts).toEqual({ delivered: 0, dropped: 0 })
  const [first, second] = [session.subscribe({ clientId: 'alice' }), session.subscribe({ clientId: 'alice' })]
  for (const offset of [1, 2, 3]) first.deliver(messageAt(offset))
  second.deliver(messageAt(1))
  await first.next()
  await second.next()
  expect(session.counts).toEqual({ delivered: 2, dropped: 0 })
  await first.return()
  expect([...session.openSubscriptions]).toEqual([second])
  expect(session.counts).toEqual({ delivered: 2, dropped: 2 })
  const conflated = session.subscribe({ clientId: 'alice', overflow: 'CONFLATE' })
  for (const offset of [4, 5, 6]) conflated.deliver(messageAt(offset))
  expect(session.counts).toEqual({ delivered: 2, dropped: 4 })
})

test('is busy and slow while events wait, and slow while a subscription is behind', async () => {
  const session = world.open()
  const subscription = session.subscribe({ clientId: 'alice' })
  expect([session.busy, session.slow, session.bufferedBytes]).toEqual([false, false, 0])
  subscription.deliver(messageAt(1, 'x'.repeat(90)))
  expect([session.busy, session.slow, session.bufferedBytes]).toEqual([true, true, 90])
  subscription.deliver(messageAt(2, 'x'.repeat(90)))
  expect([session.slow, subscription.behind]).toEqual([true, true])
  await subscription.next()
  expect([session.busy, session.slow, world.resumed.length]).toEqual([false, false, 2])
  // It has left live delivery, and nothing waits.
  subscription.leaveLive()
  expect([session.busy, session.slow]).toEqual([false, true])
})

test('a session of which a consumer with the policy END is slow ends as a slow consumer', async () => {
  const session = world.open()
  const subscription = session.subscribe({ clientId: 'alice', overflow: 'END' })
  for (const offset of [1, 2]) subscription.deliver(messageAt(offset, 'x'.repeat(90)))
  expect([world.closed, session.ended, subscription.ended]).toEqual([['SLOW_CONSUMER'], true, true])
  expect(world.observed.at(-1)).toEqual(['ended', 'tcp', 'slow-consumer'])
})

test('a transport that throws ends the subscription only, and the error is logged with its channel', async () => {
  const session = world.open()
  const subscription = session.subscribe({ clientId: 'alice' })
  subscription.pipe({
    take: () => {
      throw new TypeError('odd')
    },
    end: () => {},
  })
  subscription.deliver(messageAt(1))
  expect([subscription.ended, session.ended, world.count('failed')]).toEqual([true, false, 1])
  expect(world.logged.map(([level, , details]) => [level, details])).toEqual([
    ['error', { transport: 'tcp', channel: 'alice', address: '', error: expect.stringMatching(/^TypeError: odd/) }],
  ])
  session.failed('odd')
  expect(world.logged[1]?.[2]).not.toHaveProperty('channel')
})

test('a subscription with `every` receives the newest message of that time', async () => {
  const subscription = world.open().subscribe({ clientId: 'alice', every: '2s' })
  for (const offset of [1, 2, 3]) subscription.deliver(messageAt(offset))
  const offsets = () => subscription.queued.map((event) => event.cursor.offset)
  expect(offsets()).toEqual([1])
  await subscription.next()
  jest.advanceTimersByTime(1_900)
  expect(offsets()).toEqual([])
  jest.advanceTimersByTime(200)
  expect(offsets()).toEqual([3])
})

test('a session of a deleted channel keeps its subscriptions to others', async () => {
  const session = world.open({ ...alice, scope: { ...noScope, channels: ['team'] } })
  const [own, team] = [session.subscribe({ clientId: 'alice' }), session.subscribe({ clientId: 'team' })]
  session.disown('alice', ({ clientId }) => clientId === 'alice')
  expect(await endsOf(own, team)).toEqual(['CHANNEL_NOT_FOUND', undefined])
})

test('a subscription that began after the channel was deleted belongs to the next owner', async () => {
  const session = world.open(operator)
  const before = session.subscribe({ clientId: 'alice' })
  jest.advanceTimersByTime(1)
  const after = session.subscribe({ clientId: 'alice' })
  world.sessions.endChannel('alice', startedAt)
  expect(await endsOf(before, after)).toEqual(['CHANNEL_NOT_FOUND', undefined])
})
