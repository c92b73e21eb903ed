import { beforeEach, expect, test } from '@jest/globals'
import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { anonymous, type Identity, noScope } from '../../../src/core/model/identity.ts'
import type { EventAccess } from '../../../src/core/ports/event-matcher.ts'
import { channelTopic, type EventTopic, type Topic } from '../../../src/core/ports/topic.ts'
import { SessionSubscriptions } from '../../../src/core/sessions/session-subscriptions.ts'
import { GatewayError } from '../../../src/errors.ts'
import { RecordingReplayer } from '../delivery/events.ts'
import { alice, bob, endsOf } from './observed-sessions.ts'

let all: SessionSubscriptions
beforeEach(() => {
  all = new SessionSubscriptions()
})

function add(topic: Topic, own?: Identity, access?: EventAccess): ChannelSubscription {
  const subscription: ChannelSubscription = new ChannelSubscription({
    topic,
    after: undefined,
    replayer: new RecordingReplayer(),
    onEnd: () => all.delete(subscription),
  })
  all.add(subscription, own, access)
  return subscription
}
const channel = (clientId: string, own?: Identity) => add(channelTopic(clientId), own)
const eventsOf = ({ clientId }: Identity): EventTopic => ({
  kind: 'event',
  field: 'orders',
  name: `orders?${clientId}`,
  key: String(clientId),
})
const endedOf = (...subscriptions: ChannelSubscription[]) => subscriptions.map(({ ended }) => ended)

test('ended subscriptions count with the open ones, but are not among them', () => {
  const [open, ended] = [channel('alice'), channel('alice')]
  ended.end()
  expect([all.size, all.started, [...all.open]]).toEqual([1, 2, [open]])
  expect(all.delete(ended)).toBe(false)
  expect(all.counts).toEqual({ delivered: 0, dropped: 0 })
})

test('another identity ends the channels that it may not have, apart from those with a token of their own', async () => {
  const subscriptions = [channel('alice'), channel('bob'), channel('alice', alice)]
  all.authorizeChannels(bob)
  expect(endedOf(...subscriptions)).toEqual([true, false, false])
  expect(await endsOf(...subscriptions.slice(0, 1))).toEqual(['FORBIDDEN'])
})

test('the events of a typed field follow the identity, or the token of the operation', () => {
  const access = { topicFor: eventsOf, reload: () => true } as EventAccess
  const [plain, own] = [add(eventsOf(alice), undefined, access), add(eventsOf(alice), alice, access)]
  all.authorizeChannels(bob)
  all.authorizeEvents(bob)
  expect([plain, own].map(({ topic }) => (topic as EventTopic).key)).toEqual(['bob', 'alice'])
  expect(endedOf(plain, own)).toEqual([false, false])
})

test('a reload asks every access, and reports whether all may continue', () => {
  const asked: string[] = []
  const access = (name: string, mayContinue: boolean) =>
    ({ topicFor: eventsOf, reload: () => (asked.push(name), mayContinue) }) as unknown as EventAccess
  expect(all.reloadEvents(alice)).toBe(true)
  add(eventsOf(alice), undefined, access('first', false))
  add(eventsOf(alice), undefined, access('second', true))
  expect([all.reloadEvents(alice), asked]).toEqual([false, ['first', 'second']])
})

test('a token of its own that is over ends a subscription', async () => {
  all.endWithOwnToken(() => true, 'over')
  const subscriptions = [channel('alice'), channel('alice', alice), channel('bob', bob)]
  all.endWithOwnToken(({ clientId }) => clientId === 'bob', 'over')
  expect(endedOf(...subscriptions)).toEqual([false, false, true])
  await expect(subscriptions[2]?.next()).rejects.toEqual(new GatewayError('UNAUTHENTICATED', 'over'))
})

test('a deleted channel ends for those who had it by their client id', () => {
  const isAlice = ({ clientId }: Identity) => clientId === 'alice'
  const byScope = { ...anonymous, scope: { ...noScope, channels: ['alice'] } }
  const subscriptions = [channel('alice'), channel('alice', alice), channel('alice', bob), channel('bob')]
  all.disown('alice', { ...alice, disowned: true }, isAlice)
  expect(endedOf(...subscriptions)).toEqual([true, true, false, false])
  const scoped = channel('alice')
  all.disown('alice', byScope, isAlice)
  expect(scoped.ended).toBe(false)
})

test('a deleted channel ends up to the time of the deletion', () => {
  const subscriptions = [channel('alice'), channel('bob')]
  const { beganAt = 0 } = subscriptions[0] ?? {}
  all.endChannel('alice', beganAt - 1)
  expect(endedOf(...subscriptions)).toEqual([false, false])
  all.endChannel('alice', beganAt)
  expect(endedOf(...subscriptions)).toEqual([true, false])
})
