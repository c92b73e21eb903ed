import { expect, test } from '@jest/globals'
import { FairQueue } from '../../../src/auth/passwords/fair-queue.ts'

const any = () => true

test('a client without items, after one was taken or dropped, does not take a turn', () => {
  const queue = new FairQueue<number>()
  for (const [client, item] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    queue.add('net', client, item)
  expect(queue.take(any)).toBe(1)
  // Of equally long lists, the one that came last.
  expect(queue.drop()).toBe(3)
  queue.add('net', 'd', 4)
  expect([queue.size, queue.sizeOf('net'), queue.take(any), queue.take(any), queue.take(any)]).toEqual([
    2,
    2,
    2,
    4,
    undefined,
  ])
  expect([queue.size, queue.sizeOf('net'), queue.drop(), queue.drop('net')]).toEqual([0, 0, undefined, undefined])
})

test('the client with the most items in the network with the most loses its newest', () => {
  const queue = new FairQueue<number>()
  for (const [network, client, item] of [
    ['n', 'a', 1],
    ['n', 'b', 2],
    ['n', 'b', 3],
    ['m', 'a', 4],
    ['m', 'a', 5],
  ] as const)
    queue.add(network, client, item)
  expect([queue.drop('m'), queue.drop(), queue.drop('other'), queue.size]).toEqual([5, 3, undefined, 3])
})
