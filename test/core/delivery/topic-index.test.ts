import { describe, expect, test } from '@jest/globals'
import { TopicIndex } from '../../../src/core/delivery/topic-index.ts'
import { channelTopic, type Recipients, type Topic } from '../../../src/core/ports/topic.ts'

interface Named {
  readonly name: string
  readonly topic: Topic
}

const alice: Named = { name: 'alice', topic: channelTopic('alice') }
const aliceAgain: Named = { name: 'alice again', topic: channelTopic('alice') }
const bob: Named = { name: 'bob', topic: channelTopic('bob') }
const orders: Named = { name: 'orders', topic: { kind: 'event', field: 'order', name: 'order', key: 'a' } }
const paid: Named = { name: 'paid', topic: { kind: 'event', field: 'order', name: 'order', key: 'b' } }
/** A client may have the name of a key. */
const namesake: Named = { name: 'namesake', topic: channelTopic('a') }

function indexOf(...members: readonly Named[]): TopicIndex<Named> {
  const index = new TopicIndex<Named>()
  for (const member of members) index.add(member)
  return index
}

function found(index: TopicIndex<Named>, clients: Recipients['clients'], eventKeys: readonly string[] = []): string[] {
  const names: string[] = []
  index.forEach({ clients, eventKeys }, ({ name }) => names.push(name))
  expect(index.hasAny({ clients, eventKeys })).toBe(names.length > 0)
  const reach = index.reachOf({ clients, eventKeys })
  expect([reach === 'none', reach !== 'one' || names.length === 1]).toEqual([names.length === 0, true])
  expect([...index.of({ clients, eventKeys })].map(({ name }) => name)).toStrictEqual(names)
  return names.sort()
}

describe('subscribers by topic', () => {
  const index = indexOf(alice, aliceAgain, bob, orders, paid, namesake)

  test.each<[string, Recipients['clients'], readonly string[], readonly string[]]>([
    ['a client', ['alice'], [], ['alice', 'alice again']],
    ['several clients', ['alice', 'bob', 'carol'], [], ['alice', 'alice again', 'bob']],
    ['everyone: all channels, and no event field', 'everyone', [], ['alice', 'alice again', 'bob', 'namesake']],
    ['a key', [], ['b'], ['paid']],
    ['several keys', [], ['b', 'a', 'unused'], ['orders', 'paid']],
    ['a client and a key', ['bob'], ['a'], ['bob', 'orders']],
    ['a client with the name of a key', ['a'], [], ['namesake']],
    ['no recipient', [], ['unused'], []],
  ])('are found for %s', (_what, clients, eventKeys, names) => {
    expect(found(index, clients, eventKeys)).toEqual(names)
  })

  test('are counted once each, and listed once each', () => {
    expect(index.size).toBe(6)
    expect([...index.all()].map(({ name }) => name).sort()).toEqual([
      'alice',
      'alice again',
      'bob',
      'namesake',
      'orders',
      'paid',
    ])
    expect(index.countOfChannel('alice')).toBe(2)
    expect([...index.clientIds()].sort()).toEqual(['a', 'alice', 'bob'])
  })

  test('are held once however often they are added, and are gone after one removal', () => {
    const changing = new TopicIndex<Named>()
    expect([paid, paid, alice, alice].map((member) => changing.add(member))).toEqual([true, false, true, false])
    expect(changing.size).toBe(2)
    expect(changing.remove(paid)).toBe(true)
    expect(changing.remove(paid)).toBe(false)
    expect(changing.remove(bob)).toBe(false)
    expect(found(changing, 'everyone', ['a', 'b'])).toEqual(['alice'])
    expect(changing.size).toBe(1)
  })

  test('may leave while a message is delivered', () => {
    const leaving = indexOf(alice, aliceAgain, orders, paid)
    const names: string[] = []
    leaving.forEach({ clients: ['alice'], eventKeys: ['a', 'b'] }, (member) => {
      names.push(member.name)
      for (const each of [alice, aliceAgain, orders, paid]) leaving.remove(each)
    })
    expect(names).toEqual(['alice'])
    expect(leaving.size).toBe(0)
  })
})
