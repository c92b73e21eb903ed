import { beforeEach, expect, test } from '@jest/globals'
import type { PresenceMessage } from '../../../src/core/cluster/cluster.ts'
import type { ControlMessage } from '../../../src/core/ports/control-bus.ts'
import { PresenceMap } from '../../../src/core/presence/holders.ts'
import { PresenceExchange } from '../../../src/core/presence/presence-exchange.ts'

let online: PresenceMap
let sent: ControlMessage[]
let changes: unknown[]
let exchange: PresenceExchange

beforeEach(() => {
  online = new PresenceMap()
  sent = []
  changes = []
  exchange = new PresenceExchange({
    cluster: { replica: 'here', startedAt: 5 },
    control: { send: async (message) => void sent.push(message) },
    online,
    onJoined: (clientId, replica, isKnown) => {
      changes.push(['joined', clientId, isKnown])
      online.add(clientId, replica)
    },
    onLeft: (clientId, replica) => {
      changes.push(['left', clientId])
      online.remove(clientId, replica)
    },
  })
})

const taken = async () => {
  await new Promise((resolve) => setImmediate(resolve))
  return sent.splice(0)
}
const changed = (seq: number, joined: readonly string[], left: readonly string[] = [], startedAt = 1) =>
  exchange.onMessage({ kind: 'presence-changed', replica: 'there', startedAt, seq, joined, left })
const listed = (seq: number, clients: readonly string[], more: Partial<PresenceMessage> = {}) => {
  const list = {
    kind: 'presence-state',
    replica: 'there',
    startedAt: 1,
    seq,
    clients,
    first: true,
    last: true,
  } as const
  exchange.onMessage({ ...list, ...more } as PresenceMessage)
}
const asks = { kind: 'presence-wanted', replica: 'here', of: 'there' }

test('changes are numbered, and a message has a bounded number of them', async () => {
  exchange.announce([
    ['alice', 'joined'],
    ['bob', 'left'],
  ])
  exchange.announce(Array.from({ length: 1_001 }, (_, index) => [`c${index}`, 'joined'] as const))
  exchange.announce(Array.from({ length: 1_000 }, (_, index) => [`c${index}`, 'left'] as const))
  const messages = await taken()
  expect(messages[0]).toMatchObject({ replica: 'here', startedAt: 5, seq: 1, joined: ['alice'], left: ['bob'] })
  expect(messages.slice(1)).toMatchObject([
    { seq: 2, joined: { length: 1_000 } },
    { seq: 3, joined: ['c1000'] },
    { seq: 4, left: { length: 1_000 } },
  ])
})

test('the list of this replica is sent when another starts or asks for it', async () => {
  online.add('alice', 'here')
  online.add('bob', 'there')
  const list = {
    kind: 'presence-state',
    replica: 'here',
    startedAt: 5,
    seq: 0,
    clients: ['alice'],
    first: true,
    last: true,
  }
  exchange.onReplicaJoined('there')
  expect(await taken()).toEqual([list])
  for (const asked of [null, 'here']) {
    exchange.onMessage({ kind: 'presence-wanted', replica: 'there', of: asked })
    expect(await taken()).toEqual([list])
  }
  exchange.onMessage({ kind: 'presence-wanted', replica: 'there', of: 'elsewhere' })
  exchange.onMessage({ kind: 'presence-wanted', replica: 'here', of: null })
  expect(await taken()).toEqual([])
  exchange.resync()
  expect(await taken()).toEqual([{ ...asks, of: null }, list])
})

test('an empty list is sent too, and a long one in parts', async () => {
  exchange.onReplicaJoined('there')
  expect(await taken()).toMatchObject([{ clients: [], first: true, last: true }])
  for (let index = 0; index < 1_000; index += 1) online.add(`c${index}`, 'here')
  exchange.onReplicaJoined('there')
  expect(await taken()).toMatchObject([{ clients: { length: 1_000 }, first: true, last: true }])
  online.add('c1000', 'here')
  exchange.onReplicaJoined('there')
  expect(await taken()).toMatchObject([
    { clients: { length: 1_000 }, first: true, last: false },
    { clients: ['c1000'], first: false, last: true },
  ])
})

test('changes of another replica follow its list, and each is taken once', async () => {
  listed(3, ['alice', 'bob'])
  expect(changes.splice(0)).toEqual([
    ['joined', 'alice', true],
    ['joined', 'bob', true],
  ])
  changed(4, ['carol'], ['alice'])
  changed(4, ['carol'], ['alice'])
  expect(changes.splice(0)).toEqual([
    ['joined', 'carol', false],
    ['left', 'alice'],
  ])
  expect(await taken()).toEqual([])
})

test('clients of a first list in several parts are as known as those of a short one', () => {
  listed(3, ['alice'], { last: false })
  listed(3, ['bob'], { first: false })
  listed(3, ['alice', 'bob', 'carol'])
  expect(changes).toEqual([
    ['joined', 'alice', true],
    ['joined', 'bob', true],
    ['joined', 'alice', false],
    ['joined', 'bob', false],
    ['joined', 'carol', false],
  ])
})

test.each<[string, () => void]>([
  ['before its list', () => changed(1, ['alice'])],
  ['after one that was missed', () => (listed(3, []), changed(5, ['alice']))],
  ['of a later start', () => (listed(3, []), changed(4, ['alice'], [], 2))],
  ['of a later start, with a number as before', () => (listed(3, []), changed(2, ['alice'], [], 2))],
])('changes of another replica %s make this one ask for its list', async (_what, receive) => {
  receive()
  expect([changes, await taken()]).toEqual([[], [asks]])
})

test('a new list ends what it does not have; one of an earlier start, or without its begin, counts for nothing', () => {
  listed(9, ['dave'], { first: false })
  expect(changes).toEqual([])
  listed(3, ['alice'])
  listed(3, ['alice', 'bob'], { startedAt: 2 })
  expect(changes.splice(0)).toEqual([
    ['joined', 'alice', true],
    ['joined', 'alice', true],
    ['joined', 'bob', true],
  ])
  listed(9, [], { startedAt: 1 })
  listed(9, ['dave'], { startedAt: 2, first: false })
  expect(changes).toEqual([])
  listed(4, ['bob'], { startedAt: 2, last: false })
  listed(4, ['carol'], { startedAt: 2, first: false })
  expect(changes).toEqual([
    ['left', 'alice'],
    ['joined', 'bob', false],
    ['joined', 'carol', false],
  ])
})

test('the clients of a replica that ended leave', () => {
  listed(3, ['alice'])
  online.add('alice', 'here')
  changes.length = 0
  exchange.onReplicaLeft('there')
  expect([changes, online.has('alice')]).toEqual([[['left', 'alice']], true])
})
