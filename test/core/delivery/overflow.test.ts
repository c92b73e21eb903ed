import { describe, expect, test } from '@jest/globals'
import type { SubscriptionSink } from '../../../src/core/delivery/channel-subscription.ts'
import type { ChannelEvent } from '../../../src/core/model/channel-event.ts'
import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'
import { gatewayOnMemory, type Listener } from '../embedded-gateway.ts'

/** Accepts events while it is open, like a socket with room. */
class Sink implements SubscriptionSink {
  readonly received: ChannelEvent[] = []
  open = true

  take(event: ChannelEvent): boolean {
    if (!this.open) return false
    if (event.kind === 'MESSAGE') event.keep()
    this.received.push(event)
    return true
  }

  end(): void {}

  /** Messages as their data, notices as their reason and exact count. */
  get story(): unknown[] {
    return this.received.map((event) => {
      if (event.kind === 'MESSAGE') return JSON.parse(event.message.body.toString()) as unknown
      return event.kind === 'GAP' ? `${event.reason} ${event.dropped}` : event.kind
    })
  }
}

async function stalled(overflow: OverflowPolicy, { maxBytes = 1024 * 1024 } = {}) {
  const world = await gatewayOnMemory()
  const listener = world.listen('alice', { overflow, maxBytes })
  const sink = new Sink()
  listener.subscription.pipe(sink)
  const publish = async (from: number, to: number) => {
    for (let n = from; n <= to; n += 1) await world.publish('alice', n)
  }
  await publish(1, 2)
  sink.open = false
  const readAgain = () => {
    sink.open = true
    listener.subscription.flush()
  }
  return { world, listener, sink, publish, readAgain }
}

describe('a subscription with a slow client', () => {
  // Gaps are queued even if there is no room, so they must not accumulate.
  test.each(['RETENTION', 'JOURNAL_REPLACED', 'UNREADABLE'] as const)(
    'keeps one of adjacent %s gaps, the last',
    async (reason) => {
      const { world, listener, sink, publish, readAgain } = await stalled('CATCH_UP')
      await publish(3, 3)
      const cursor = listener.subscription.position
      if (typeof cursor !== 'object') throw new Error('the subscription has no position')
      for (let receivedAt = 1; receivedAt <= 3; receivedAt += 1)
        listener.subscription.deliver({ kind: 'GAP', reason, cursor, oldest: null, receivedAt })
      readAgain()
      expect(sink.received.slice(3)).toEqual([expect.objectContaining({ kind: 'GAP', reason, receivedAt: 3 })])
      await world[Symbol.asyncDispose]()
    },
  )

  test('conflates to the newest, and reports how many it skipped', async () => {
    const { world, sink, publish, readAgain } = await stalled('CONFLATE')
    await publish(3, 50)
    readAgain()
    await publish(51, 52)
    expect(sink.story).toEqual([1, 2, 'OVERFLOW 47', 50, 51, 52])
    await world[Symbol.asyncDispose]()
  })

  test('drops the oldest events when its queue is full, and reports how many', async () => {
    const { world, sink, publish, readAgain } = await stalled('DROP_OLDEST')
    await publish(3, 2_000)
    readAgain()
    await publish(2_001, 2_001)
    const [first, second, notice, ...rest] = sink.story
    expect([first, second, notice]).toEqual([1, 2, `OVERFLOW ${1_998 - rest.length + 1}`])
    expect(rest).toEqual(Array.from({ length: rest.length }, (_, index) => 2_002 - rest.length + index))
    expect(rest.length).toBeGreaterThan(1_000)
    await world[Symbol.asyncDispose]()
  })

  test('drops by bytes too, and keeps counting while it is slow', async () => {
    const { world, listener, sink, publish, readAgain } = await stalled('DROP_OLDEST', { maxBytes: 20 })
    await publish(10, 40)
    expect(listener.allowance.used).toBeLessThanOrEqual(20)
    await publish(41, 99)
    readAgain()
    expect(sink.story).toEqual([1, 2, 'OVERFLOW 80', 90, 91, 92, 93, 94, 95, 96, 97, 98, 99])
    expect(listener.allowance.used).toBe(0)
    await world[Symbol.asyncDispose]()
  })

  test.each(['CONFLATE', 'DROP_OLDEST'] as const)(
    'by %s can resume after the notice, and can still read what it missed',
    async (policy) => {
      const { world, sink, publish, readAgain } = await stalled(policy, { maxBytes: 10 })
      await publish(3, 30)
      readAgain()
      const at = sink.received.findIndex(({ kind }) => kind === 'GAP')
      const notice = sink.received[at] as Extract<ChannelEvent, { kind: 'GAP' }>
      const receivedAgain = async (listener: Listener, count: number) => {
        while (listener.received.length < count) {
          await new Promise((resolve) => setTimeout(resolve, 5))
          await listener.take()
        }
        return listener.story
      }
      const rest = sink.story.slice(at + 1)
      expect(await receivedAgain(world.listen('alice', { after: notice.cursor }), rest.length)).toEqual(rest)
      const missed = Array.from({ length: notice.dropped as number }, (_, index) => index + 3)
      const all = [...missed, ...rest]
      expect(await receivedAgain(world.listen('alice', { after: notice.oldest as never }), all.length)).toEqual(all)
      await world[Symbol.asyncDispose]()
    },
  )

  test('catches up unless it requests another policy', async () => {
    const { world, sink, publish, readAgain } = await stalled('CATCH_UP', { maxBytes: 10 })
    await publish(3, 40)
    readAgain()
    while (sink.received.length < 40) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(sink.story).toEqual(Array.from({ length: 40 }, (_, index) => index + 1))
    await world[Symbol.asyncDispose]()
  })
})
