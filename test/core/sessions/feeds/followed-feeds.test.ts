import { expect, test } from '@jest/globals'
import type { Identity } from '../../../../src/core/model/identity.ts'
import { Feed } from '../../../../src/core/sessions/feeds/feed.ts'
import { FollowedFeeds } from '../../../../src/core/sessions/feeds/followed-feeds.ts'
import { GatewayError } from '../../../../src/errors.ts'
import { alice, bob, operator } from '../observed-sessions.ts'

const anyone = () => {}
const operators = ({ scope }: Identity) => {
  if (!scope.operator) throw new GatewayError('FORBIDDEN', 'for operators')
}

function followed() {
  const feeds = new FollowedFeeds()
  const [plain, checked, own] = [new Feed(), new Feed(), new Feed()]
  feeds.add(plain, anyone, undefined)
  feeds.add(checked, operators, undefined)
  feeds.add(own, operators, operator)
  return { feeds, ended: () => [plain, checked, own].map(({ ended }) => ended), checked, own }
}

test('another identity ends the feeds that it may not have, apart from those with a token of their own', async () => {
  const { feeds, ended, checked } = followed()
  feeds.authorize(operator)
  expect(ended()).toEqual([false, false, false])
  feeds.authorize(alice)
  expect(ended()).toEqual([false, true, false])
  await expect(checked.next()).rejects.toThrow('for operators')
})

test('a token of its own that is over ends a feed', async () => {
  const { feeds, ended, own } = followed()
  feeds.endWithOwnToken((identity) => identity === bob, 'over')
  expect(ended()).toEqual([false, false, false])
  feeds.endWithOwnToken(() => true, 'over')
  expect(ended()).toEqual([false, false, true])
  await expect(own.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'over' })
})

test('feeds are counted, and end together', () => {
  const { feeds, ended, own } = followed()
  feeds.delete(own)
  expect(feeds.size).toBe(2)
  feeds.endAll()
  expect(ended()).toEqual([true, true, false])
})
