import { describe, expect, test } from '@jest/globals'
import { DeliveryCounter } from '../../src/core/accounting/delivery-counter.ts'
import { ChannelSubscription, type SubscriptionSink } from '../../src/core/delivery/channel-subscription.ts'
import { Hub } from '../../src/core/delivery/hub.ts'
import { ReplayBatch } from '../../src/core/delivery/replay/replay-batch.ts'
import { type ChannelEvent, MessageEvent } from '../../src/core/model/channel-event.ts'
import { channelTopic } from '../../src/core/ports/topic.ts'
import type { Session } from '../../src/core/sessions/session.ts'
import type { Outbox } from '../../src/transports/flow/outbox.ts'
import { RoomMember } from '../../src/transports/room/member.ts'
import { RoomFrame } from '../../src/transports/room/room-frame.ts'
import { testCursors } from '../support/gateway/deployment-keys.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { watchHub } from '../support/gateway/hub-watch.ts'
import { freePort } from '../support/network/ports.ts'
import { listens } from './values/raw-listeners.ts'

const eventOf = (offset: number): MessageEvent =>
  new MessageEvent(testCursors, '0123456789abcdef', {
    offset,
    mark: false,
    exchange: 'x',
    routingKey: 'client.alice',
    body: Buffer.from('1'),
    properties: {},
    redelivered: false,
    receivedAt: 0,
  })

const replayer = { resume: () => {}, stop: () => {} }

const toAlice = { clients: ['alice'], eventKeys: [] }

/** A subscription with a sink that throws at the events with these offsets. */
function throwingSubscription(at: readonly number[]) {
  const account = new DeliveryCounter(() => {})
  const failures: unknown[] = []
  const taken: number[] = []
  const ends: (string | undefined)[] = []
  const subscription = new ChannelSubscription({
    topic: channelTopic('alice'),
    after: undefined,
    replayer,
    counter: account,
    onFailure: (error) => failures.push(error),
  })
  const sink: SubscriptionSink = {
    take(event: ChannelEvent) {
      const { offset } = event.cursor
      if (at.includes(offset)) throw new RangeError(`cannot encode ${offset}`)
      taken.push(offset)
      return true
    },
    end: (failure) => ends.push(failure?.code),
  }
  return { subscription, sink, account, failures, taken, ends }
}

describe('a throwing subscriber is ended alone', () => {
  test('by the hub, and the others receive the message', () => {
    const hub = new Hub()
    const received: string[] = []
    const failures: unknown[] = []
    const subscriberOf = (name: string, fails: boolean) => ({
      topic: channelTopic('alice'),
      deliver() {
        if (fails) throw new Error(name)
        received.push(name)
      },
      fail: (error: unknown) => failures.push(error),
    })
    for (const [name, fails] of [
      ['a', false],
      ['b', true],
      ['c', false],
    ] as const)
      hub.subscribe(subscriberOf(name, fails))
    hub.subscribe({
      topic: channelTopic('bob'),
      deliver: () => {
        throw new Error('without fail')
      },
    })
    hub.publish({ clients: ['alice', 'bob'], eventKeys: [] }, eventOf(1))
    hub.publish({ clients: 'everyone', eventKeys: [] }, eventOf(2))
    expect({ received, failures, size: hub.size }).toEqual({
      received: ['a', 'c', 'a', 'c'],
      failures: [new Error('b')],
      size: 2,
    })
  })

  test('by its subscription, with a reason, and its account is balanced', () => {
    const { subscription, sink, account, failures, taken, ends } = throwingSubscription([2])
    subscription.pipe(sink)
    for (const offset of [1, 2, 3]) subscription.deliver(eventOf(offset))
    expect({ taken, failures, ends, ended: subscription.ended }).toEqual({
      taken: [1],
      failures: [new RangeError('cannot encode 2')],
      ends: ['DELIVERY_FAILED'],
      ended: true,
    })
    expect([account.matched, account.delivered, account.dropped.ended, account.pending]).toEqual([2, 1, 1, 0])
  })

  test('in a flush of its queue, which drops the rest', () => {
    const { subscription, sink, account, ends } = throwingSubscription([2])
    for (const offset of [1, 2, 3]) subscription.deliver(eventOf(offset))
    expect(() => subscription.pipe(sink)).not.toThrow()
    expect(() => subscription.flush()).not.toThrow()
    expect(ends).toEqual(['DELIVERY_FAILED'])
    expect([account.matched, account.delivered, account.dropped.ended, account.pending]).toEqual([3, 1, 2, 0])
  })

  test('also if its end throws', () => {
    const { subscription, sink, failures } = throwingSubscription([1])
    subscription.pipe({
      ...sink,
      end: () => {
        throw new Error('no end')
      },
    })
    expect(() => subscription.deliver(eventOf(1))).not.toThrow()
    expect(failures).toEqual([new RangeError('cannot encode 1'), new Error('no end')])
  })

  test('during a replay, and its neighbours continue', () => {
    const batch = new ReplayBatch(0, '00000000000000aa')
    const bad = throwingSubscription([1])
    const good = throwingSubscription([])
    for (const { subscription, sink } of [bad, good]) {
      subscription.pipe(sink)
      batch.add(subscription, 0)
    }
    batch.deliver(1, toAlice, eventOf(1))
    expect(() => batch.flush()).not.toThrow()
    batch.deliver(2, toAlice, eventOf(2))
    batch.flush()
    expect({ good: good.taken, bad: bad.ends }).toEqual({ good: [1, 2], bad: ['DELIVERY_FAILED'] })
  })

  test('in the room', () => {
    const closed: string[] = []
    const pushed: string[] = []
    const failures: unknown[] = []
    const memberWith = (push: (frame: string) => void) =>
      new RoomMember({
        envelope: 'none',
        session: {
          ended: false,
          failed: (error: unknown) => failures.push(error),
          close: (reason: string) => closed.push(reason),
        } as unknown as Session,
        outbox: { hasRoom: true, push } as unknown as Outbox,
        maxBufferedBytes: 1,
      })
    const members = [
      memberWith(() => {
        throw new Error('no socket')
      }),
      memberWith((frame) => pushed.push(frame)),
    ]
    for (const member of members) member.deliver(new RoomFrame(Buffer.from('x'), false), 'other')
    expect({ closed, pushed: pushed.length, failures }).toEqual({
      closed: ['INTERNAL_ERROR'],
      pushed: 1,
      failures: [new Error('no socket')],
    })
  })
})

describe('a running gateway', () => {
  test.each([...listens.keys()].filter((name) => !name.includes('not compiled')))(
    'continues if a delivery over %s throws: the others receive it, and the tail continues',
    async (name) => {
      const tcpPort = await freePort()
      await using gateway: InProcessGateway = await openGateway({
        WARREN_TCP_PORT: String(tcpPort),
        WARREN_LOG_LEVEL: 'error',
      })
      const listen = listens.get(name)
      const other = listens.get(name === 'TCP' ? 'plain WebSocket' : 'TCP')
      if (!listen || !other) throw new Error('no such transport')
      const token = await gateway.clientToken('alice')
      const hub = watchHub(gateway.gateway.hub)
      await using bad = await listen({ gateway, tcpPort, channel: 'alice', token })
      await hub.until(1)
      const [subscription] = [...gateway.gateway.hub.all()] as [ChannelSubscription]
      await using good = await other({ gateway, tcpPort, channel: 'alice', token })
      await hub.until(2)
      const take = subscription.deliver.bind(subscription)
      subscription.deliver = (event, later) => {
        if (event.kind === 'MESSAGE' && event.message.body.includes('bad')) throw new RangeError('Invalid time value')
        take(event, later)
      }
      const publish = (text: string) =>
        gateway.gateway.publish({ routingKey: 'client.alice', body: Buffer.from(JSON.stringify(text)), properties: {} })
      await publish('bad')
      await publish('next')
      expect(await good.next()).toContain('"data":"bad"')
      expect(await good.next()).toContain('"data":"next"')
      expect(subscription.ended).toBe(true)
      expect(gateway.gateway.up).toBe(true)
      await bad[Symbol.asyncDispose]()
    },
  )
})
