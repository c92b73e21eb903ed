import { describe, expect, test } from '@jest/globals'
import { traceparentOf } from '../../../src/core/accounting/trace-context.ts'
import { checkClientId, OverflowGap, unreadableGap } from '../../../src/core/model/channel-event.ts'
import { asError, errorStack, errorText } from '../../../src/core/model/error-text.ts'
import {
  anonymous,
  anyListener,
  hasToken,
  isExpired,
  isKnown,
  noScope,
  parseScope,
  printScope,
  publishWord,
} from '../../../src/core/model/identity.ts'
import { newMessageId } from '../../../src/core/model/message-id.ts'
import {
  allowedPolicyOf,
  type OverflowPolicy,
  overflowPolicies,
  overflowPolicyOf,
} from '../../../src/core/model/overflow-policy.ts'
import { checkShortString } from '../../../src/core/model/short-string.ts'
import { noteOf } from '../../../src/core/ports/journal.ts'
import { testCursors } from '../../support/gateway/deployment-keys.ts'
import { entryAt, messageAt } from '../delivery/events.ts'

describe('a scope', () => {
  test('grants what its words name; others grant nothing', () => {
    const scope = parseScope(
      'operator  room channel:team.* channel: publish:orders publish:a%3Ab:k.#:x publish: odd publish:%zz',
    )
    expect(scope).toMatchObject({
      operator: true,
      publish: false,
      register: false,
      room: true,
      channels: ['team.*', ''],
      words: [
        'operator',
        'room',
        'channel:team.*',
        'channel:',
        'publish:orders',
        'publish:a%3Ab:k.#:x',
        'publish:',
        'odd',
        'publish:%zz',
      ],
      publishTo: [
        { exchange: 'orders', routingKey: undefined, word: 'publish:orders' },
        { exchange: 'a:b', routingKey: 'k.#:x', word: 'publish:a%3Ab:k.#:x' },
      ],
    })
    expect(printScope(scope)).toEqual([
      'operator',
      'room',
      'publish:orders',
      'publish:a%3Ab:k.#:x',
      'channel:team.*',
      'channel:',
    ])
    expect(parseScope('publish register')).toEqual({
      ...noScope,
      publish: true,
      register: true,
      words: ['publish', 'register'],
    })
    expect([parseScope(''), printScope(noScope)]).toEqual([noScope, []])
    expect(parseScope('xpublish:e mychannel:a publish:e:').publishTo).toEqual([
      { exchange: 'e', routingKey: '', word: 'publish:e:' },
    ])
    expect(parseScope('publish:e:a\nb').publishTo[0]?.routingKey).toBe('a\nb')
  })

  test('a word for any exchange is read back', () => {
    for (const exchange of ['orders', 'a:b', 'a b', '100%', 'ü'])
      expect(parseScope(publishWord(exchange, 'k.*')).publishTo).toMatchObject([{ exchange, routingKey: 'k.*' }])
  })
})

test('who presented a token', () => {
  const granted = { ...anonymous, scope: { ...noScope, channels: ['a'] } }
  const client = { ...anonymous, clientId: 'a' }
  const all = [anonymous, anyListener, granted, client]
  expect(all.map(isKnown)).toEqual([false, true, true, true])
  expect(all.map(hasToken)).toEqual([false, false, true, true])
  expect(anyListener.scope).toEqual({ ...noScope, room: true, channels: ['#'] })
})

test('a token expires at its time', () => {
  const token = { ...anonymous, expiresAt: new Date(1_000) }
  expect([isExpired(token, 999), isExpired(token, 1_000), isExpired(anonymous), isExpired(token)]).toEqual([
    false,
    true,
    false,
    true,
  ])
})

describe('a client id', () => {
  test.each(['a', 'ü'.repeat(100), 'a.b', '-'])('%s is valid', (id) => {
    expect(checkClientId(id)).toBe(id)
  })

  test.each([
    ['', 'non-empty'],
    [5, 'non-empty'],
    [undefined, 'non-empty'],
    ['x'.repeat(201), 'at most 200 bytes, got 201'],
    ['a b', 'no white space'],
    ['a\tb', 'no white space'],
    ['a\u0000', 'no white space'],
    ['\ud800', 'no white space'],
  ])('%p is not', (id, text) => {
    expect(() => checkClientId(id)).toThrow(`clientId: expected ${text.startsWith('non') ? 'a ' : ''}${text}`)
    expect(() => checkClientId(id, 'input.x')).toThrow('input.x')
  })
})

test('message ids are different, and look like UUIDs of version 4', () => {
  const ids = Array.from({ length: 1_000 }, newMessageId)
  expect(new Set(ids).size).toBe(1_000)
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(new Set(ids.map((id) => id.slice(0, -6))).size).toBe(1)
})

test('an overflow policy is one of four', () => {
  expect(overflowPolicies.map(overflowPolicyOf)).toEqual([...overflowPolicies])
  expect([overflowPolicyOf(null), overflowPolicyOf(undefined)]).toEqual([undefined, undefined])
  expect(() => overflowPolicyOf('x')).toThrow('expected one of CATCH_UP, END, CONFLATE, DROP_OLDEST')
})

test('an overflow policy is allowed by the operator, and the first is the default', () => {
  const allowed = ['END', 'CONFLATE'] as const
  const policyFor = (requested: string | null | undefined) =>
    allowedPolicyOf(requested as OverflowPolicy | null | undefined, allowed)
  expect([undefined, null, 'CONFLATE'].map(policyFor)).toEqual(['END', 'END', 'CONFLATE'])
  expect(() => policyFor('CATCH_UP')).toThrow(
    'expected END or CONFLATE, got CATCH_UP, which the operator does not allow (WARREN_OVERFLOW)',
  )
  expect(() => policyFor('x')).toThrow('expected END or CONFLATE, got "x"')
})

test('a short string has 255 bytes', () => {
  checkShortString('f', `${'ü'.repeat(127)}x`)
  expect(() => checkShortString('f', 'ü'.repeat(128))).toThrow('f: expected at most 255 bytes, got 256')
})

test('a thrown value as text', () => {
  const error = new TypeError('odd')
  expect([errorText(error), errorText('x'), errorText(undefined)]).toEqual(['odd', 'x', 'undefined'])
  expect([errorStack(error), errorStack(7)]).toEqual([error.stack, '7'])
  delete error.stack
  expect(errorStack(error)).toBe('odd')
  const own = Object.create(Error.prototype, { message: { value: 'made' } }) as unknown
  expect([asError(error), asError(own), asError('x').message, errorText(own)]).toEqual([error, own, 'x', 'made'])
})

test.each<[unknown, boolean]>([
  ['00-0123456789abcdef0123456789abcdef-0123456789abcdef-01', true],
  ['00-00000000000000000000000000000000-0123456789abcdef-01', false],
  ['00-0123456789abcdef0123456789abcdef-0000000000000000-01', false],
  ['01-0123456789abcdef0123456789abcdef-0123456789abcdef-01', false],
  ['00-0123456789ABCDEF0123456789abcdef-0123456789abcdef-01', false],
  ['x00-0123456789abcdef0123456789abcdef-0123456789abcdef-01', false],
  ['00-0123456789abcdef0123456789abcdef-0123456789abcdef-01x', false],
  ['00-0123456789abcdef0123456789abcdef-0123456789abcdef-1', false],
  [['00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'], false],
  [5, false],
])('the trace context %p is valid: %s', (traceparent, valid) => {
  const entry = entryAt(1, '', { properties: { headers: { traceparent } } })
  expect(traceparentOf(entry)).toBe(valid ? traceparent : undefined)
  expect(traceparentOf(entryAt(1))).toBeUndefined()
})

test('the note of a mark is JSON; without JSON a mark has no note', () => {
  expect([noteOf(entryAt(1, '')), noteOf(entryAt(1, '{')), noteOf(entryAt(1, '{"kind":"x"}'))]).toEqual([
    undefined,
    undefined,
    { kind: 'x' },
  ])
})

test('gaps that every replica makes in the same way', () => {
  const epoch = '00112233aabbccdd'
  const gap = unreadableGap(testCursors, epoch, entryAt(5, 'x', { receivedAt: 9 }))
  expect(gap).toMatchObject({ kind: 'GAP', reason: 'UNREADABLE', receivedAt: 9, cursor: { offset: 5, before: false } })
  expect(gap.oldest).toBe(gap.cursor)
  const overflow = new OverflowGap(messageAt(1))
  expect([overflow.kind, overflow.reason, overflow.dropped, overflow.cursor.offset]).toEqual(['GAP', 'OVERFLOW', 1, 1])
  overflow.add(messageAt(2))
  overflow.add(messageAt(3))
  expect([overflow.dropped, overflow.cursor.offset, overflow.oldest.offset]).toEqual([3, 3, 1])
})
