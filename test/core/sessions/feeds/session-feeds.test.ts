import { afterEach, beforeEach, expect, jest, test } from '@jest/globals'
import { anyListener, type Identity } from '../../../../src/core/model/identity.ts'
import { demand } from '../../../../src/core/sessions/authorizer.ts'
import { Feed } from '../../../../src/core/sessions/feeds/feed.ts'
import { alice, bob, ObservedSessions, operator } from '../observed-sessions.ts'

let world: ObservedSessions
beforeEach(() => {
  world = new ObservedSessions()
})
afterEach(() => world.close())

const anyone = () => {}
const operators = (identity: Identity) => demand(identity.scope.operator, identity, 'read rates')

test('a feed counts as a subscription of its session and of its client, until it ends', () => {
  const session = world.open()
  const feeds = [new Feed(), new Feed()] as const
  for (const feed of feeds) session.follow(feed, anyone)
  session.subscribe({ clientId: 'alice' })
  expect(() => session.follow(new Feed(), anyone)).toThrow(
    expect.objectContaining({ limit: 'WARREN_MAX_SUBSCRIPTIONS' }),
  )
  expect(() => session.subscribe({ clientId: 'alice' })).toThrow('at most 3 subscriptions a connection')
  const other = world.open()
  other.follow(new Feed(), anyone)
  expect(() => other.follow(new Feed(), anyone)).toThrow('subscriptions of one client')
  other.follow(new Feed(), anyone, bob)
  expect([world.count('subscribed'), world.count('unsubscribed')]).toEqual([5, 0])
  feeds[0].end()
  feeds[0].end()
  expect(world.count('unsubscribed')).toBe(1)
  other.follow(new Feed(), anyone)
})

test('a feed begins only for those who may have it', () => {
  const session = world.open()
  expect(() => session.follow(new Feed(), operators)).toThrow('does not allow you to read rates')
  session.follow(new Feed(), operators, operator)
  expect(world.count('subscribed')).toBe(1)
})

test('a feed ends with its session', async () => {
  const session = world.open()
  const feed = new Feed<string>()
  session.follow(feed, anyone)
  feed.push('last')
  session.end('client')
  expect([feed.ended, (await feed.next()).value, (await feed.next()).done]).toEqual([true, 'last', true])
  expect(world.count('unsubscribed')).toBe(1)
  expect(() => session.follow(new Feed(), anyone)).toThrow('this session has ended')
})

test('a new token ends the feeds that it does not allow, apart from those with their own', async () => {
  const session = world.open(operator)
  const [open, refused, own] = [new Feed(), new Feed(), new Feed()]
  session.follow(open, anyone)
  session.follow(refused, operators)
  session.follow(own, operators, operator)
  session.become(alice)
  await expect(refused.next()).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect([open.ended, refused.ended, own.ended]).toEqual([false, true, false])
})

test('a feed with a token of its own ends when that expires or is revoked', async () => {
  const session = world.open()
  const [plain, expiring, revoked] = [new Feed(), new Feed(), new Feed()]
  session.follow(plain, anyone)
  session.follow(expiring, anyone, { ...operator, expiresAt: new Date(Date.now() + 2_000) })
  session.follow(revoked, anyone, bob)
  session.revoke(({ clientId }) => clientId === 'bob')
  await expect(revoked.next()).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
    message: 'the token of this operation was revoked',
  })
  jest.advanceTimersByTime(1_000)
  expect(expiring.ended).toBe(false)
  jest.advanceTimersByTime(1_000)
  await expect(expiring.next()).rejects.toMatchObject({ message: 'the token of this operation has expired' })
  expect([plain.ended, session.ended]).toEqual([false, false])
})

test('a session with a feed is not idle', () => {
  const session = world.open(anyListener)
  const feed = new Feed()
  session.follow(feed, anyone)
  jest.advanceTimersByTime(20_000)
  expect(session.ended).toBe(false)
  feed.end()
  jest.advanceTimersByTime(6_000)
  expect(world.closed).toEqual(['IDLE'])
})
