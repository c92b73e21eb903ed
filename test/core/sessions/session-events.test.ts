import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { anonymous, type Identity } from '../../../src/core/model/identity.ts'
import type { EventAccess } from '../../../src/core/ports/event-matcher.ts'
import type { EventTopic } from '../../../src/core/ports/topic.ts'
import { GatewayError } from '../../../src/errors.ts'
import { messageAt } from '../delivery/events.ts'
import { alice, bob, endsOf, ObservedSessions } from './observed-sessions.ts'

let world: ObservedSessions
beforeEach(() => {
  world = new ObservedSessions()
})
afterEach(() => world.close())

/** Lets a caller have the events of `orderChanged` for its own client id. */
class OwnOrders implements EventAccess {
  readonly wanted = { field: 'orderChanged', args: { open: true } }
  readonly asked: Identity[] = []
  released = 0
  refusal: unknown
  mayContinue = true

  topicFor(identity: Identity): EventTopic {
    this.asked.push(identity)
    if (this.refusal !== undefined) throw this.refusal
    const key = identity.disowned ? 'none' : String(identity.clientId)
    return { kind: 'event', field: 'orderChanged', name: `orderChanged?customerId=${key}`, key }
  }

  reload(): boolean {
    return this.mayContinue
  }

  release(): void {
    this.released += 1
  }
}

describe('a subscription of a typed field', () => {
  test('receives the topic of its identity, counts for its field, and releases its access at its end', async () => {
    const session = world.open()
    const access = new OwnOrders()
    let ends = 0
    const own = session.subscribeEvent({ access }, () => (ends += 1))
    const borrowed = session.subscribeEvent({ access: new OwnOrders(), as: bob })
    expect([own, borrowed].map(({ topic }) => topic)).toEqual([
      expect.objectContaining({ key: 'alice' }),
      expect.objectContaining({ key: 'bob' }),
    ])
    const channel = session.subscribe({ clientId: 'alice' })
    expect([world.resumed, world.fieldCounter.subscriptions]).toEqual([[own, borrowed, channel], 2])
    own.deliver(messageAt(1))
    await own.next()
    expect(world.fieldCounter.delivered).toBe(1)
    own.end()
    own.end()
    borrowed.end()
    expect({ ends, released: access.released }).toEqual({ ends: 1, released: 1 })
    expect(world.fieldCounter.subscriptions).toBe(0)
    // Its end does not come back with the next token.
    const { length } = access.asked
    session.become(alice)
    expect([access.asked.length, world.stopped.length]).toEqual([length, 2])
    expect(session.subscriptions).toBe(1)
  })

  test('that does not begin, or ends while it begins, releases its access', () => {
    const session = world.open()
    const refused = new OwnOrders()
    refused.refusal = new GatewayError('FORBIDDEN', 'not yours')
    expect(() => session.subscribeEvent({ access: refused })).toThrow('not yours')
    expect([refused.released, session.subscriptions]).toEqual([1, 0])

    world.onResume = (subscription) => subscription.end()
    const ended = new OwnOrders()
    expect(session.subscribeEvent({ access: ended }).ended).toBe(true)
    expect([ended.released, session.subscriptions, world.fieldCounter.subscriptions]).toEqual([1, 0, 0])
    session.reloadEvents()
    expect(ended.asked).toEqual([alice])
  })

  test('may be ended without a callback', () => {
    const access = new OwnOrders()
    world.open().subscribeEvent({ access }).end()
    expect(access.released).toBe(1)
  })

  test('with a position asks for it by what the client wanted, and begins when it has it', () => {
    const begun: unknown[] = []
    const taken: unknown[] = []
    let ended = 0
    let topic: unknown
    world.hold = (_options, identity, wanted) => {
      topic = [identity, wanted()]
      return {
        begin: (subscription: unknown) => begun.push(subscription),
        taken: (event: unknown) => taken.push(event),
        ended: () => (ended += 1),
      } as unknown as ReturnType<typeof world.hold>
    }
    const session = world.open(anonymous)
    const subscription = session.subscribeEvent({ access: new OwnOrders(), position: 'mine' })
    expect([topic, begun, world.resumed]).toEqual([
      [anonymous, { field: 'orderChanged', args: { open: true } }],
      [subscription],
      [],
    ])
    // Another topic does not begin it either.
    session.become(alice)
    expect([subscription.topic, world.resumed]).toEqual([expect.objectContaining({ key: 'alice' }), []])
    subscription.begin(undefined)
    expect(world.resumed).toEqual([subscription])
    const event = messageAt(1)
    subscription.deliver(event)
    void subscription.next()
    subscription.end()
    expect([taken, ended]).toEqual([[event], 1])

    session.subscribe({ clientId: 'alice', position: 'mine' })
    expect(topic).toEqual([alice, { field: 'channel', args: { clientId: 'alice' } }])
  })
})

describe('typed fields are authorized again', () => {
  test('with a new token: the topic changes where the conditions do, unless the subscription has its own', () => {
    const session = world.open()
    const [own, borrowed] = [new OwnOrders(), new OwnOrders()]
    const subscriptions = [
      session.subscribeEvent({ access: own }),
      session.subscribeEvent({ access: borrowed, as: bob }),
    ]
    const before = subscriptions.map(({ topic }) => topic)
    const renewed = { ...alice, expiresAt: new Date(2_000_000) }
    session.renew(renewed)
    expect([own.asked, borrowed.asked]).toEqual([
      [alice, renewed],
      [bob, bob],
    ])
    // The same conditions: it was not even stopped.
    expect(subscriptions.map(({ topic }) => topic)).toEqual(before)
    expect(world.stopped).toEqual([])
    session.become({ ...anonymous, clientId: 'carol' })
    expect(subscriptions.map(({ topic }) => topic)).toEqual([expect.objectContaining({ key: 'carol' }), before[1]])
    expect(world.stopped).toEqual([subscriptions[0]])
    expect(world.resumed).toEqual([...subscriptions, subscriptions[0]])
  })

  test('and end with the error of a subscription that is no longer allowed', async () => {
    const session = world.open()
    const accesses = [new OwnOrders(), new OwnOrders(), new OwnOrders()] as const
    const subscriptions = accesses.map((access) => session.subscribeEvent({ access }))
    for (const subscription of subscriptions) subscription.deliver(messageAt(1))
    accesses[0].refusal = new GatewayError('FORBIDDEN', 'no longer yours')
    accesses[1].refusal = new TypeError('odd')
    session.reloadEvents()
    expect(subscriptions.map(({ ended }) => ended)).toEqual([true, true, false])
    // What waits is still delivered, but not after an error that was not foreseen.
    expect((await subscriptions[0]?.next())?.done).toBe(false)
    expect(await endsOf(...subscriptions)).toEqual(['FORBIDDEN', 'DELIVERY_FAILED', undefined])
    expect(world.logged.map(([, , details]) => details)).toEqual([
      {
        transport: 'tcp',
        channel: 'orderChanged?customerId=alice',
        address: '',
        error: expect.stringContaining('odd'),
      },
    ])
  })

  test('without the channel that was deleted, for tokens that became invalid', () => {
    const session = world.open()
    const [own, borrowed, others] = [new OwnOrders(), new OwnOrders(), new OwnOrders()]
    session.subscribeEvent({ access: own })
    const old: Identity = { ...alice, issuedAt: new Date(1) }
    session.subscribeEvent({ access: borrowed, as: old })
    session.subscribeEvent({ access: others, as: bob })
    session.disown('alice', (identity) => identity === old)
    expect([own, borrowed, others].map(({ asked }) => asked.at(-1))).toEqual([alice, { ...old, disowned: true }, bob])
    session.disown('alice', ({ clientId }) => clientId === 'alice')
    expect(own.asked.at(-1)).toEqual({ ...alice, disowned: true })
    expect(others.asked.at(-1)).toBe(bob)
    // A typed field is no subscription to the channel.
    expect(session.subscriptions).toBe(3)
  })

  test('after a reload of the schema; a session with one that may not continue ends with RESTART', async () => {
    const [stays, leaves] = [world.open(), world.open()]
    const [access, outdated, current] = [new OwnOrders(), new OwnOrders(), new OwnOrders()]
    stays.subscribeEvent({ access })
    leaves.subscribeEvent({ access: outdated })
    leaves.subscribeEvent({ access: current })
    outdated.mayContinue = false
    const reloaded = world.sessions.reloadEvents(1_000)
    expect([access, current].map(({ asked }) => asked.length)).toEqual([2, 2])
    await jest.advanceTimersByTimeAsync(1_000)
    await reloaded
    expect([world.closed, stays.ended, leaves.ended]).toEqual([['RESTART'], false, true])
    // The next reload begins without it.
    await world.sessions.reloadEvents(1_000)
    expect(world.closed).toEqual(['RESTART'])
  })
})
