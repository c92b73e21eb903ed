import { expect, test } from '@jest/globals'
import { Feed } from '../../../../src/core/sessions/feeds/feed.ts'
import { GatewayError } from '../../../../src/errors.ts'

const failure = new GatewayError('FORBIDDEN', 'no longer')
const done = { done: true, value: undefined }
const event = <Event>(value: Event) => ({ done: false, value })

test('hands an event to a consumer that waits, and holds the newest for one that does not', async () => {
  const feed = new Feed<number>()
  const waiting = feed.next()
  feed.push(1)
  expect([await waiting, feed.isTaken]).toEqual([event(1), true])
  feed.push(2)
  feed.push(3)
  expect(feed.isTaken).toBe(false)
  expect([await feed.next(), feed.isTaken]).toEqual([event(3), true])
  const next = feed.next()
  feed.push(4)
  expect(await next).toEqual(event(4))
})

test('holds the newest of each key, and drops the oldest beyond its limit', async () => {
  const feed = new Feed<string>((text) => text.charAt(0), 2)
  for (const text of ['a1', 'b1', 'a2']) feed.push(text)
  expect([await feed.next(), await feed.next()]).toEqual([event('a2'), event('b1')])
  for (const text of ['a3', 'b2', 'c1']) feed.push(text)
  expect([await feed.next(), await feed.next(), feed.isTaken]).toEqual([event('b2'), event('c1'), true])
})

test('delivers what waits before it ends, takes nothing afterwards, and throws its failure once', async () => {
  const feed = new Feed<number>()
  feed.push(1)
  expect(feed.ended).toBe(false)
  feed.end(failure)
  feed.end()
  feed.push(2)
  expect(feed.ended).toBe(true)
  expect(await feed.next()).toEqual(event(1))
  await expect(feed.next()).rejects.toBe(failure)
  expect(await feed.next()).toEqual(done)
})

test('ends for a consumer that waits, with or without a failure', async () => {
  const [failed, ended] = [new Feed<number>(), new Feed<number>()]
  const waiting = [failed.next(), ended.next()]
  failed.end(failure)
  ended.end()
  await expect(waiting[0]).rejects.toBe(failure)
  expect([await waiting[1], await failed.next(), await ended.next()]).toEqual([done, done, done])
})

test('calls back once when it ends, or at once if it has', () => {
  const feed = new Feed<number>()
  const calls: string[] = []
  feed.onEnd(() => calls.push('before'))
  feed.onEnd(() => calls.push('also'))
  expect(calls).toEqual([])
  feed.end()
  feed.end()
  feed.onEnd(() => calls.push('after'))
  expect(calls).toEqual(['before', 'also', 'after'])
})

test('ends with its consumer, which gets none of what waits', async () => {
  const taken: number[] = []
  const feed = new Feed<number>((n) => String(n), 3)
  for (const n of [1, 2, 3]) feed.push(n)
  for await (const n of feed) {
    taken.push(n)
    if (n === 2) break
  }
  expect([taken, feed.ended, await feed.next()]).toEqual([[1, 2], true, done])
  const used = new Feed<number>()
  used.push(1)
  {
    await using scope = used
    expect(scope.ended).toBe(false)
  }
  expect([used.ended, await used.return(), await used.next()]).toEqual([true, done, done])
})
