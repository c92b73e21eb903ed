import { describe, expect, test } from '@jest/globals'
import {
  anonymous,
  anyListener,
  hasToken,
  type Identity,
  isExpired,
  isKnown,
  parseScope,
  printScope,
  publishWord,
} from '../../../src/core/model/identity.ts'
import {
  demand,
  mayActFor,
  mayJoinRoom,
  mayOperate,
  mayPublish,
  mayPublishTo,
  mayPublishToClients,
  mayRegister,
  maySubscribe,
  owns,
} from '../../../src/core/sessions/authorizer.ts'
import { payerOf } from '../../../src/core/sessions/payer.ts'

function caller(scope: string, clientId?: string, more: Partial<Identity> = {}): Identity {
  return { ...anonymous, clientId, scope: parseScope(scope), ...more }
}

describe('a scope', () => {
  test('is printed as it was read, without unknown words', () => {
    const words = ['operator', 'publish', 'register', 'room', 'publish:orders:new.#', 'publish:a%3Ab', 'channel:team.*']
    expect(printScope(parseScope(`  ${words.join('  ')} unknown admin channels:x operators`))).toEqual(words)
    expect(printScope(parseScope(''))).toEqual([])
  })

  test.each([
    ['publish:orders', { exchange: 'orders', routingKey: undefined }],
    ['publish:orders:', { exchange: 'orders', routingKey: '' }],
    ['publish:orders:a:b', { exchange: 'orders', routingKey: 'a:b' }],
    ['publish:a%3Ab%20c%25:k', { exchange: 'a:b c%', routingKey: 'k' }],
    ['publish:', undefined],
    ['publish::key', undefined],
    ['publish:%', undefined],
    ['xpublish:orders', undefined],
  ])('the word %s grants %j', (word, grant) => {
    expect(parseScope(word).publishTo).toEqual(grant ? [{ ...grant, word }] : [])
  })

  test('a grant is written so that it is read again', () => {
    const word = publishWord('a:b c%', 'k.#')
    expect(parseScope(word).publishTo).toEqual([{ exchange: 'a:b c%', routingKey: 'k.#', word }])
  })
})

describe('a caller', () => {
  test('is known if its token names a client or grants something', () => {
    expect([anonymous, caller('', 'alice'), caller('room'), caller('unknown')].map(isKnown)).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect([anyListener, anonymous, caller('', 'alice'), caller('channel:#'), caller('unknown')].map(hasToken)).toEqual(
      [false, false, true, true, true],
    )
  })

  test('expires at its time', () => {
    const expiresAt = new Date(1_000)
    expect([999, 1_000].map((now) => isExpired({ ...anonymous, expiresAt }, now))).toEqual([false, true])
    expect(isExpired(anonymous)).toBe(false)
  })

  test('pays under its client id, else under its network, else under nothing', () => {
    expect(payerOf({ clientId: 'alice' }, '192.0.2.1')).toBe('client alice')
    expect(payerOf({ clientId: undefined }, '2001:db8::1')).toBe('address 2001:db8:0:0::/64')
    expect([undefined, ''].map((address) => payerOf({ clientId: undefined }, address))).toEqual([undefined, undefined])
  })
})

/** Who may do what: the whole table, because a hole in it lets a caller read others' events. */
const callers = {
  anonymous,
  alice: caller('', 'alice'),
  disowned: caller('', 'alice', { disowned: true }),
  team: caller('channel:team.*', 'bob'),
  operator: caller('operator'),
  publisher: caller('publish'),
  orders: caller('publish:orders:new.#'),
  clients: caller('publish:warren.*:client.#'),
  everything: caller('publish:#'),
  registrar: caller('register'),
  roommate: caller('room'),
}
const names = Object.keys(callers) as (keyof typeof callers)[]

test.each<[string, (identity: Identity) => boolean, (keyof typeof callers)[]]>([
  ['subscribe to alice', (who) => maySubscribe(who, 'alice'), ['alice', 'operator']],
  ['subscribe to team.red', (who) => maySubscribe(who, 'team.red'), ['team', 'operator']],
  ['subscribe to team.red.x', (who) => maySubscribe(who, 'team.red.x'), ['operator']],
  ['own the channel alice', (who) => owns(who, 'alice'), ['alice']],
  ['act for alice', (who) => mayActFor(who, 'alice'), ['alice', 'operator']],
  ['publish anything', mayPublish, ['operator', 'publisher', 'orders', 'clients', 'everything']],
  ['join the room', mayJoinRoom, ['operator', 'roommate']],
  ['operate', mayOperate, ['operator']],
  ['register', mayRegister, ['operator', 'registrar']],
  [
    'publish to the source orders',
    (who) => mayPublishTo(who, { exchange: 'orders', routingKey: 'new.a.b', isSource: true }),
    ['operator', 'publisher', 'orders', 'everything'],
  ],
  [
    'publish to orders that is no source',
    (who) => mayPublishTo(who, { exchange: 'orders', routingKey: 'new', isSource: false }),
    ['operator', 'orders', 'everything'],
  ],
  [
    'publish under another key',
    (who) => mayPublishTo(who, { exchange: 'orders', routingKey: 'old', isSource: false }),
    ['operator', 'everything'],
  ],
  [
    'publish to all clients',
    (who) => mayPublishToClients(who, 'warren.events'),
    ['operator', 'publisher', 'clients', 'everything'],
  ],
])('may %s', (_what, may, allowed) => {
  expect(names.filter((name) => may(callers[name]))).toEqual(names.filter((name) => allowed.includes(name)))
})

test('a key pattern that does not cover all clients is no right to publish to all', () => {
  expect(
    ['client.*', 'client.a', '#', 'client.#'].map((key) => mayPublishToClients(caller(`publish:e:${key}`), 'e')),
  ).toEqual([false, false, true, true])
})

test('a refusal differs for a caller without a token', () => {
  expect(() => demand(true, anonymous, 'x')).not.toThrow()
  expect(() => demand(false, anonymous, 'x')).toThrow(
    expect.objectContaining({ code: 'UNAUTHENTICATED', message: 'a token is needed to x' }),
  )
  expect(() => demand(false, callers.alice, 'x')).toThrow(
    expect.objectContaining({ code: 'FORBIDDEN', message: 'this token does not allow you to x' }),
  )
})
