import { beforeEach, expect, test } from '@jest/globals'
import { PendingPublish } from '../../../../src/brokers/rabbitmq/publish/pending-publish.ts'
import { WaitingPublishes } from '../../../../src/brokers/rabbitmq/publish/waiting-publishes.ts'

let waiting: WaitingPublishes

beforeEach(() => {
  waiting = new WaitingPublishes()
})

test('messages that are put back take the places of their sequence', () => {
  const [first, second, third, fourth] = [pending(1), pending(2), pending(3), pending(4)]
  waiting.add(fourth)
  for (const one of [second, third, first]) waiting.putBack(one)
  expect(sequencesOf(waiting)).toEqual([1, 2, 3, 4])
  expect(waiting.isEmpty).toBe(true)
})

test('a message that is removed waits no longer, and removing it again changes nothing', () => {
  const [first, second] = [pending(1), pending(2)]
  for (const one of [first, second]) waiting.add(one)
  waiting.remove(first)
  waiting.remove(first)
  expect(sequencesOf(waiting)).toEqual([2])
})

test('the messages to an exchange are taken in order, and the others stay', () => {
  for (const one of [pending(1, 'a'), pending(2, 'b'), pending(3, 'a')]) waiting.add(one)
  expect(waiting.takeAllTo('a').map(({ sequence }) => sequence)).toEqual([1, 3])
  expect(waiting.takeAllTo('a')).toEqual([])
  expect(sequencesOf(waiting)).toEqual([2])
})

function pending(sequence: number, exchange = 'orders'): PendingPublish {
  const publication = { exchange, routingKey: 'new', body: Buffer.alloc(0), properties: {}, into: 'journal' as const }
  return new PendingPublish(sequence, { ...publication, payer: 'a' }, exchange)
}

/** Removes all messages. */
function sequencesOf(messages: WaitingPublishes): number[] {
  const sequences: number[] = []
  while (messages.first) {
    sequences.push(messages.first.sequence)
    messages.removeFirst()
  }
  return sequences
}
