import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { maxRedeliveries } from '../../src/brokers/redeliveries.ts'
import { Distributor, type SubscriptionOptions } from '../../src/distributor/distributor.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { take } from './rabbitmq/connections.ts'

export interface BrokerUnderTest {
  readonly url: string
  /** Publishes with plain amqplib, without Warren. */
  publishRaw(topic: string, body: Buffer): Promise<void>
  close(): Promise<void>
}

type Received = [topic: string, data: unknown]

/** The contract of a Distributor with every driver. */
export function driverSuite(name: string, open: () => Promise<BrokerUnderTest>): void {
  describe(`a Distributor on ${name}`, () => {
    let broker: BrokerUnderTest
    let distributor: Distributor
    /** A Distributor of another program. */
    let other: Distributor

    beforeAll(async () => {
      broker = await open()
      distributor = new Distributor(broker.url)
      other = new Distributor(broker.url)
    })
    afterAll(async () => {
      await Promise.all([distributor.close(), other.close()])
      await broker.close()
    })

    /** Subscribes and queues what arrives. */
    async function listen(topics: string | string[], options: SubscriptionOptions = {}, on = distributor) {
      const received = new Inbox<Received>(`messages on ${String(topics)}`)
      const subscription = await on.subscribe((data, topic) => received.push([topic, data]), topics, options)
      return { received, subscription }
    }

    test('delivers every message to every subscriber, unchanged and in order', async () => {
      const all = [{ a: [1, null, 'ß𝄞'] }, 'text', 0, null, 'x'.repeat(1024 * 1024)]
      const one = await listen('all')
      const two = await listen('all', {}, other)
      for (const data of all) await distributor.publish(data, 'all')
      for (const { received } of [one, two]) {
        expect(await take(received, all.length)).toEqual(all.map((data) => ['all', data]))
      }
    })

    test('matches topics word by word, and several topics of one subscription once', async () => {
      const { received } = await listen(['match.*.x', 'match.#'])
      const narrow = await listen('match.*.x')
      for (const topic of ['match', 'match.a.x', 'match.a.b.x']) await distributor.publish(1, topic)
      expect(await take(received, 3)).toEqual([
        ['match', 1],
        ['match.a.x', 1],
        ['match.a.b.x', 1],
      ])
      expect(received.waiting).toEqual([])
      expect(await narrow.received.next()).toEqual(['match.a.x', 1])
      expect(narrow.received.waiting).toEqual([])
    })

    test('accepts messages without a subscriber', async () => {
      await distributor.publish(1, 'unbound')
    })

    test('delivers each message to one member of a group, and to every subscriber outside groups', async () => {
      const members = [
        await listen('shared', { subscriberGroup: 'g', prefetch: 1 }),
        await listen('shared', { subscriberGroup: 'g', prefetch: 1 }, other),
      ]
      const otherGroup = await listen('shared', { subscriberGroup: 'h' })
      const single = await listen('shared')
      const numbers = Array.from({ length: 40 }, (_, n) => n)
      for (const n of numbers) await distributor.publish(n, 'shared')
      expect(await take(single.received, 40)).toHaveLength(40)
      expect(await take(otherGroup.received, 40)).toHaveLength(40)
      const shares = members.map(({ received }) => received)
      await distributor.publish('end', 'shared')
      await Promise.race(shares.map((share) => share.nextMatching(([, data]) => data === 'end')))
      const seen = shares.flatMap((share) => share.waiting.map(([, data]) => data as number))
      expect(seen.toSorted((a, b) => a - b)).toEqual(numbers)
    })

    test('keeps the messages of a group while it has no member', async () => {
      const first = await listen('kept', { subscriberGroup: 'g' })
      await first.subscription.close()
      await distributor.publish(1, 'kept')
      expect(await (await listen('kept', { subscriberGroup: 'g' }, other)).received.next()).toEqual(['kept', 1])
    })

    test('treats the same group on other topics as another group', async () => {
      const one = await listen('one topic', { subscriberGroup: 'g' })
      const two = await listen('another topic', { subscriberGroup: 'g' })
      await distributor.publish(1, 'one topic')
      await distributor.publish(2, 'another topic')
      expect(await one.received.next()).toEqual(['one topic', 1])
      expect(await two.received.next()).toEqual(['another topic', 2])
    })

    test.each([undefined, 'g'])(
      'delivers again what a callback of group %s rejects, then dead-letters it',
      async (group) => {
        const topic = `poison ${group}`
        const calls: unknown[] = []
        const poison = new Inbox<string>('poison')
        const neighbours = new Inbox<unknown>('neighbours')
        const options = {
          ...(group === undefined ? {} : { subscriberGroup: group }),
          onPoison: (_: unknown, error: unknown) => poison.push(String(error)),
        }
        await distributor.subscribe(
          async (data, _topic, { redelivered }) => {
            if (data !== 'bad') return neighbours.push(data)
            calls.push(redelivered)
            throw new Error('not this one')
          },
          topic,
          options,
        )
        await distributor.publish('bad', topic)
        await distributor.publish('good', topic)
        expect(await neighbours.next()).toBe('good')
        expect(await poison.next()).toBe('Error: not this one')
        expect(calls).toEqual([false, ...Array<boolean>(maxRedeliveries).fill(true)])
      },
    )

    test('skips what is not JSON and continues', async () => {
      const poison = new Inbox<string>('poison')
      const { received } = await listen('foreign', {
        subscriberGroup: 'g',
        onPoison: ({ body }) => poison.push(body.toString()),
      })
      await broker.publishRaw('foreign', Buffer.from('{"half":'))
      await broker.publishRaw('foreign', Buffer.from('{"whole":1}'))
      expect(await received.next()).toEqual(['foreign', { whole: 1 }])
      expect(await poison.next()).toBe('{"half":')
    })

    test('runs at most the allowed number of callbacks at a time', async () => {
      let running = 0
      let most = 0
      const done = new Inbox<unknown>('finished callbacks')
      await distributor.subscribe(
        async (data) => {
          running += 1
          most = Math.max(most, running)
          await new Promise((resolve) => setImmediate(resolve))
          running -= 1
          done.push(data)
        },
        'few',
        { prefetch: 3 },
      )
      for (let n = 0; n < 20; n += 1) await distributor.publish(n, 'few')
      await take(done, 20)
      expect(most).toBeLessThanOrEqual(3)
    })

    test('ends a subscription on close after its running callbacks, and no other subscription', async () => {
      const started = new Inbox<unknown>('started callbacks')
      let finish = () => {}
      const subscription = await distributor.subscribe(
        (data) => {
          started.push(data)
          return new Promise<void>((resolve) => {
            finish = resolve
          })
        },
        'ending',
        { prefetch: 1 },
      )
      const staying = await listen('ending')
      await distributor.publish(1, 'ending')
      await started.next()
      const closing = subscription.close()
      await distributor.publish(2, 'ending')
      finish()
      await closing
      expect(await take(staying.received, 2)).toHaveLength(2)
      expect(started.waiting).toEqual([])
    })

    test('has the convenience methods of the old class', async () => {
      const { received } = await listen(['user', 'raw.*', 'parsed.*'])
      const parsed = new Inbox<unknown>('parsed')
      const raw = new Inbox<unknown>('raw')
      await distributor.subscribeParsedTopic((data) => parsed.push(data), 'pose')
      await distributor.subscribeRawTopic((data) => raw.push(data), 'pose')
      const user = { user_id: 42, username: 'Dan' }
      const snapshot = { user_id: 42, topics: { pose: { x: 1 }, feelings: {} } }
      await distributor.publishServer(user)
      await distributor.publishServer(snapshot)
      await distributor.publishParsedTopic({ x: 2 }, 'pose')
      expect((await take(received, 4)).toSorted(([one], [other]) => one.localeCompare(other))).toEqual([
        ['parsed.pose', { x: 2 }],
        ['raw.feelings', snapshot],
        ['raw.pose', snapshot],
        ['user', user],
      ])
      expect(await raw.next()).toEqual(snapshot)
      expect(await parsed.next()).toEqual({ x: 2 })
      for (const neither of [null, 7, 'text', [], {}, { topics: 3 }, { unrelated: 1 }]) {
        await expect(distributor.publishServer(neither)).rejects.toMatchObject({
          code: 'BAD_USER_INPUT',
          field: 'data',
        })
      }
    })

    test('refuses invalid arguments', async () => {
      await expect(distributor.publish(undefined, 'x')).rejects.toMatchObject({ field: 'data' })
      await expect(distributor.publish(1, '')).rejects.toMatchObject({ field: 'topic' })
      await expect(distributor.publish(1, 'x'.repeat(256))).rejects.toMatchObject({ field: 'topic' })
      await expect(distributor.subscribe(() => {}, [])).rejects.toMatchObject({ field: 'topics' })
      await expect(distributor.subscribe(() => {}, 'x', { prefetch: 0 })).rejects.toMatchObject({ field: 'prefetch' })
    })

    test('closes with its scope, and connects again', async () => {
      const received = new Inbox<unknown>('messages')
      {
        await using scoped = new Distributor(broker.url)
        await scoped.connect()
        await scoped.subscribe((data) => received.push(data), 'scoped')
        await other.publish(1, 'scoped')
        expect(await received.next()).toBe(1)
      }
      await other.publish(2, 'scoped')
      await other.close()
      await other.subscribe((data) => received.push(data), 'scoped')
      await other.publish(3, 'scoped')
      expect(await received.next()).toBe(3)
    })
  })
}
