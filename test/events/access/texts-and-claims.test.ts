import { describe, expect, test } from '@jest/globals'
import { JsonNumber } from '../../../src/core/json/json-number.ts'
import { anonymous, anyListener, scopeOf } from '../../../src/core/model/identity.ts'
import { TokenClaims } from '../../../src/core/model/token-claims.ts'
import { GatewayError } from '../../../src/errors.ts'
import { isAllowed } from '../../../src/events/access/allow-rules.ts'
import { authorize } from '../../../src/events/access/authorize.ts'
import { authorizeMessage } from '../../../src/events/access/authorize-message.ts'
import { conditionsOf } from '../../../src/events/access/conditions.ts'
import { callerOf, claimValuesOf } from '../../../src/events/access/event-caller.ts'
import { inputTextsAt } from '../../../src/events/access/input-text.ts'
import { maySelect } from '../../../src/events/access/selected-fields.ts'
import {
  allow,
  allowAnonymous,
  argument,
  claim,
  clientId,
  enumMapping,
  eventField,
  eventSchema,
  fieldMapping,
  header,
  publishField,
} from './build-schema.ts'
import { callerWith, noToken } from './callers.ts'

const schema = eventSchema(
  `type Subscription { order(kind: ID, ids: [ID!]): Order }
  type Mutation { send(input: Parcel, parcels: [Parcel], flag: Boolean, flags: [Boolean!], ids: [ID!], id: ID, state: State): Int }
  type Order { id: ID secret: ID }
  input Parcel { label: String weight: Float owner: ID states: [State] items: [Parcel] any: JSON }
  enum State { OPEN DONE } enum Known { A }`,
  {
    enums: { State: enumMapping({ OPEN: 'open', DONE: 'done' }) },
    inputs: { Parcel: { label: [], weight: [], owner: [clientId], states: [], items: [], any: [] } },
    objects: { Order: { id: fieldMapping('id'), secret: fieldMapping('secret', { allow: [allow('secrets')] }) } },
  },
)
const codeOf = (act: () => unknown): unknown => {
  try {
    return act()
  } catch (error) {
    if (error instanceof GatewayError) return error.code
    throw error
  }
}

test('the texts at a path of an argument are those of bodies', () => {
  const { send } = schema.schema.getMutationType()?.getFields() ?? {}
  const type = send?.args.find(({ name }) => name === 'parcels')?.type
  if (!type) throw new Error('no argument')
  const value = [
    { label: 'a', weight: 1.5, states: ['OPEN', null, 'DONE'], items: [{ label: 'deep' }, null], any: { x: 1 } },
    null,
    { label: '', weight: null, any: new JsonNumber('1') },
  ]
  const textsAt = (...path: string[]) => inputTextsAt(schema, type, value, path)
  expect(textsAt('label')).toEqual(['a', ''])
  expect(textsAt('weight')).toEqual(['1.5'])
  expect(textsAt('states')).toEqual(['open', 'done'])
  expect(textsAt('items', 'label')).toEqual(['deep'])
  // Neither an object nor what is inside a scalar is text.
  for (const path of [[], ['items'], ['missing'], ['label', 'x'], ['any'], ['any', 'x']])
    expect(textsAt(...path)).toEqual([])
  expect(inputTextsAt(schema, type, { label: 'one' }, ['label'])).toEqual(['one'])
  for (const absent of [null, undefined]) expect(inputTextsAt(schema, type, absent, ['label'])).toEqual([])
  const known = schema.schema.getType('Known') as never
  expect(inputTextsAt(schema, known, 'A', [])).toEqual(['A'])
})

describe('a scope with a placeholder', () => {
  const holds = (words: string[], texts: string[], scope = 'room:{id}') =>
    isAllowed(
      [allow(scope)],
      { identity: { ...anonymous, scope: scopeOf(words) }, claims: () => undefined },
      () => texts,
    )

  test.each<[words: string[], texts: string[], holds: boolean, scope?: string]>([
    [['room:1'], ['1'], true],
    [['room:1', 'room:2'], ['1', '2'], true],
    [['room:1'], ['1', '2'], false],
    [['x'], [], false],
    [['room:'], [''], false],
    [['room:1', 'room:'], ['1', ''], false],
    [['room:a\tb'], ['a\tb'], false],
    [['a:1:1:z'], ['1'], true, 'a:{x}:{y}:z'],
    [['a:1:1:y'], ['1'], false, 'a:{x}:{y}:z'],
  ])('of the words %j and the texts %j: %s', (words, texts, expected, scope = 'room:{id}') => {
    expect(holds(words, texts, scope)).toBe(expected)
  })

  test('takes the argument that it names only', () => {
    const identity = { ...anonymous, scope: scopeOf(['room:1', 'room:2']) }
    const field = (scope: string) =>
      eventField('order', { conditions: [argument('kind', 'ID'), argument('ids', '[ID!]')], allow: [allow(scope)] })
    const decide = (scope: string, args: Record<string, unknown>) =>
      codeOf(() => authorize(schema, field(scope), args, { identity, claims: () => undefined }).key.length > 0)
    expect(decide('room:{ids}', { kind: 'x', ids: ['1', '2'] })).toBe(true)
    expect(decide('room:{ids}', { kind: '1', ids: ['3'] })).toBe('FORBIDDEN')
    expect(decide('room:{missing}', { kind: '1' })).toBe('FORBIDDEN')
    expect(decide('room:{kind.id}', { kind: '1' })).toBe('FORBIDDEN')
  })
})

describe('a claim', () => {
  test('of a caller is that of the token, and the client id stands for sub', () => {
    const identity = { ...anonymous, clientId: 'alice' }
    const { claims } = callerOf({ ...identity, claims: new TokenClaims('{"a":{"b":7},"sub":"given"}') })
    expect([claims(['a', 'b']), claims(['sub']), claims(['b'])]).toEqual([7, 'given', undefined])
    const plain = callerOf(identity)
    expect([['sub'], ['a'], ['sub', 'x'], ['x', 'sub'], []].map((path) => plain.claims(path))).toEqual([
      'alice',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
    expect(plain.identity).toBe(identity)
  })

  test('grants nothing to a client that was deleted, to any listener, or as an empty list', () => {
    const valuesOf = (identity: typeof anonymous, value: unknown) =>
      claimValuesOf({ identity, claims: () => value }, claim('rooms'))
    expect(valuesOf(anonymous, ['a', 7])).toEqual(['a', 7])
    expect(valuesOf({ ...anonymous, disowned: true }, ['a'])).toBeUndefined()
    expect(valuesOf(anyListener, ['a'])).toBeUndefined()
    expect(valuesOf(anonymous, [])).toBeUndefined()
  })

  test('that can equal nothing at the place of the field is refused', () => {
    const field = eventField('order', { ownerPlaces: [{ claim: claim('room'), place: header('room') }] })
    const decide = (room: unknown) => codeOf(() => authorize(schema, field, {}, callerWith({ sub: 'a', room })).values)
    expect(decide('r1')).toEqual([['r1']])
    expect(decide('\0r1')).toBe('FORBIDDEN')
  })
})

test('a caller without a scope for a field of a type may select the others', () => {
  const may = (name: string, scope = '') =>
    maySelect(schema, callerWith({ sub: 'a', scope }), { operation: 'Query', name: 'q' }, name)
  expect(['Order.id', 'Order.secret', 'Order.missing', 'Missing.id', ''].map((name) => may(name))).toEqual([
    true,
    false,
    true,
    true,
    true,
  ])
  expect(may('Order.secret', 'secrets')).toBe(true)
})

test('conditions have their key as text while it is short', () => {
  const [text, hash] = [conditionsOf([['x'.repeat(187)]]).key, conditionsOf([['x'.repeat(188)]]).key]
  expect([text.length, text.slice(0, 5), hash.length]).toEqual([200, '[[["x', 43])
})

describe('a message', () => {
  const parcelArguments = { input: [], parcels: [] }
  const decide = (
    field: ReturnType<typeof publishField>,
    args: Record<string, unknown>,
    caller = callerWith({ sub: 'a' }),
  ) => codeOf(() => authorizeMessage(schema, field, args, caller))

  test('with @owner needs what @allow asks for, too, and a token', () => {
    const field = (rule: ReturnType<typeof allow>) =>
      publishField('send', { arguments: parcelArguments, owned: true, allow: [rule] })
    expect(decide(field(allow('parcels')), { input: {} })).toBe('FORBIDDEN')
    expect(decide(field(allow('parcels')), { input: {} }, callerWith({ sub: 'a', scope: 'parcels' }))).toEqual({
      input: { owner: 'a' },
    })
    // No argument has an owner here.
    expect(decide(field(allowAnonymous), {}, noToken)).toBe('UNAUTHENTICATED')
    expect(decide(field(allowAnonymous), {})).toEqual({})
  })

  test('has its owner filled in at every level, and null stays null', () => {
    const field = publishField('send', { arguments: parcelArguments, owned: true })
    const parcels = [null, { items: [null, { states: ['OPEN', null], any: [{}] }] }]
    expect(decide(field, { input: null, parcels })).toEqual({
      input: null,
      parcels: [null, { owner: 'a', items: [null, { owner: 'a', states: ['OPEN', null], any: [{}] }] }],
    })
    expect(decide(field, { parcels: [{ items: [{ owner: 'b' }] }] })).toBe('FORBIDDEN')
    expect(decide(field, { other: 1 })).toEqual({ other: 1 })
  })

  test('has the value of an enum of which the claim is the text', () => {
    const field = publishField('send', { arguments: { state: [claim('state')] }, owned: true })
    const caller = callerWith({ sub: 'a', state: 'done' })
    expect(decide(field, {}, caller)).toEqual({ state: 'DONE' })
    expect(decide(field, { state: 'DONE' }, caller)).toEqual({ state: 'DONE' })
    expect(decide(field, { state: 'OPEN' }, caller)).toBe('FORBIDDEN')
  })

  test('takes booleans of a claim as such, and refuses what the type cannot be', () => {
    const field = publishField('send', { arguments: { flag: [claim('flag')], flags: [claim('flags')] }, owned: true })
    const caller = (flag: unknown, flags: unknown) => callerWith({ sub: 'a', flag, flags })
    expect(decide(field, {}, caller(true, [true, false]))).toEqual({ flag: true, flags: [true, false] })
    expect(decide(field, {}, caller(false, false))).toEqual({ flag: false, flags: [false] })
    expect(decide(field, { flag: true, flags: [false] }, caller(true, [false]))).toEqual({ flag: true, flags: [false] })
    expect(decide(field, { flag: true, flags: [true] }, caller(true, [false]))).toBe('FORBIDDEN')
    expect(decide(field, {}, caller(true, ['yes']))).toBe('FORBIDDEN')
    expect(decide(field, {}, caller('yes', [true]))).toBe('FORBIDDEN')
  })
})
