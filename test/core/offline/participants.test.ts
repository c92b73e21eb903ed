import { expect, test } from '@jest/globals'
import { Participants } from '../../../src/core/offline/participants.ts'

function given(startedAt = 100) {
  const dead = new Set<string>()
  const members = { isAlive: (replica: string) => !dead.has(replica) }
  const cluster = { replica: 'm', startedAt, members } as unknown as ConstructorParameters<typeof Participants>[0]
  return { dead, participants: new Participants(cluster) }
}

test('a replica alone is the eldest', () => {
  expect(given().participants.isEldest).toBe(true)
})

test.each<[other: string, startedAt: number, isEldest: boolean]>([
  ['a', 99, false],
  ['z', 99, false],
  ['a', 101, true],
  ['a', 100, false],
  ['z', 100, true],
])('beside %s, which started at %i, the replica m of 100 is the eldest: %p', (other, startedAt, isEldest) => {
  const { participants } = given()
  participants.add(other, startedAt)
  expect(participants.isEldest).toBe(isEldest)
})

test('only replicas that are alive count, and the one that is left out does not', () => {
  const { participants, dead } = given()
  participants.add('elder', 1)
  participants.add('eldest', 0)
  expect([participants.isEldest, participants.isEldestExcept('elder')]).toEqual([false, false])
  dead.add('eldest')
  expect([participants.isEldest, participants.isEldestExcept('elder')]).toEqual([false, true])
  participants.remove('elder')
  expect(participants.isEldest).toBe(true)
})
