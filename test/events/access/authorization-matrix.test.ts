import { describe, expect, test } from '@jest/globals'
import { anyListener } from '../../../src/core/model/identity.ts'
import { GatewayError } from '../../../src/errors.ts'
import { authorize } from '../../../src/events/access/authorize.ts'
import { authorizeMessage } from '../../../src/events/access/authorize-message.ts'
import type { EventCaller } from '../../../src/events/access/event-caller.ts'
import {
  allow,
  allowAnonymous,
  argument,
  claim,
  clientId,
  enumMapping,
  eventField,
  eventSchema,
  header,
  publishField,
  requestField,
} from './build-schema.ts'
import { callerWith, noToken } from './callers.ts'
import { coercedArguments } from './coerced-arguments.ts'

/**
 * The verdicts are written by hand from the guide of typed events ("Who may", "Arguments"). U:
 * `UNAUTHENTICATED`, F: `FORBIDDEN`, B: `BAD_USER_INPUT`, `*`: no condition. Other texts are the
 * values of the conditions: `;` between arguments, `,` between values.
 */
const rooms = claim('rooms')
const fields = [
  eventField('plain', { conditions: [argument('id', 'ID')] }),
  eventField('any', { conditions: [argument('id', 'ID')], allow: [allow()] }),
  eventField('scoped', { conditions: [argument('id', 'ID')], allow: [allow('shop:read')] }),
  eventField('both', { conditions: [argument('id', 'ID')], allow: [allow('shop:read', 'shop:more'), allow('other')] }),
  eventField('public', { conditions: [argument('id', 'ID')], allow: [allowAnonymous] }),
  eventField('room', { conditions: [argument('id', 'ID'), argument('ids', '[ID!]')], allow: [allow('room:{id}')] }),
  eventField('roomList', { conditions: [argument('ids', '[ID!]')], allow: [allow('room:{ids}')] }),
  eventField('state', { conditions: [argument('state', 'State')], allow: [allow('state:{state}')] }),
  eventField('owned', { conditions: [argument('id', 'ID', { owners: [clientId] }), argument('status', 'String')] }),
  eventField('ownedList', { conditions: [argument('ids', '[ID!]', { owners: [clientId] })] }),
  eventField('ownedNeeded', { conditions: [argument('id', 'ID!', { owners: [clientId] })] }),
  eventField('ownedByClaim', { conditions: [argument('id', 'ID', { owners: [rooms] })] }),
  eventField('ownedTwice', { conditions: [argument('id', 'ID', { owners: [rooms, claim('more')] })] }),
  eventField('ownedInt', { conditions: [argument('id', 'Int', { owners: [rooms] })] }),
  eventField('ownedString', { conditions: [argument('id', 'String', { owners: [rooms] })] }),
  eventField('ownedEnum', { conditions: [argument('state', 'State', { owners: [rooms] })] }),
  eventField('ownedAndScoped', {
    conditions: [argument('id', 'ID', { owners: [clientId] })],
    allow: [allow('shop:read')],
  }),
  eventField('ownedAndPublic', { conditions: [argument('id', 'ID', { owners: [clientId] })], allow: [allowAnonymous] }),
  eventField('ownedPlace', {
    ownerPlaces: [{ claim: clientId, place: header('customer') }],
    conditions: [argument('id', 'ID')],
  }),
  eventField('ownedPlaceByClaim', { ownerPlaces: [{ claim: rooms, place: header('room') }] }),
]
const schema = eventSchema(
  `type Subscription {
    plain(id: ID): Int any(id: ID): Int scoped(id: ID): Int both(id: ID): Int public(id: ID): Int room(id: ID, ids: [ID!]): Int
    roomList(ids: [ID!]): Int state(state: State): Int owned(id: ID, status: String = "new"): Int ownedList(ids: [ID!]): Int
    ownedNeeded(id: ID!): Int ownedByClaim(id: ID): Int ownedTwice(id: ID): Int ownedInt(id: Int): Int ownedString(id: String): Int
    ownedEnum(state: State): Int
    ownedAndScoped(id: ID): Int ownedAndPublic(id: ID): Int ownedPlace(id: ID): Int ownedPlaceByClaim: Int
  }
  type Mutation { sendOwned(id: ID, ids: [ID!]): Int sendScoped(id: ID): Int send(id: ID): Int sendNested(input: Parcel!): Int
    sendRoom(input: Parcel!): Int }
  type Query { none: Int askOwned(id: ID): Int ask(id: ID): Int askPublic: Int }
  input Parcel { label: String owner: ID items: [Item!] } input Item { owner: ID } enum State { OPEN DONE OTHER }`,
  {
    events: fields,
    enums: { State: enumMapping({ OPEN: 'open', DONE: 'done', OTHER: 'OTHER' }, 'OTHER') },
    inputs: { Parcel: { label: [], owner: [clientId], items: [] }, Item: { owner: [clientId] } },
  },
)

/** Above `@owner` and `@allow` for subscriptions and queries. */
const above = (field: string) => ['operator', 'observe', `event:${field}`, 'event:*', 'event:#']
const callers: Record<string, EventCaller> = {
  alice: callerWith({ sub: 'alice', scope: 'channel:#' }),
  shop: callerWith({ sub: 'alice', scope: 'shop:read event:other' }),
  words: callerWith({ scope: 'shop:read' }),
  rooms: callerWith({
    sub: 'alice',
    scope: 'room:1 room:2 room:* state:done',
    rooms: ['1', 2, 'x', 'open'],
    more: ['2', 'x', 9],
  }),
  deleted: deleted(callerWith({ sub: 'alice', scope: 'shop:read', rooms: ['1'] })),
}

function deleted(caller: EventCaller): EventCaller {
  return { ...caller, identity: { ...caller.identity, disowned: true } }
}

function verdict(decide: () => readonly (readonly string[] | undefined)[]): string {
  try {
    const values = decide()
    return values.every((texts) => texts === undefined) ? '*' : values.map((texts) => texts?.join() ?? '*').join(';')
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return error.code[0] ?? ''
  }
}

describe('a subscription of', () => {
  // What each caller gets:     no token  alice    shop     words    rooms    deleted  above
  test.each<[text: string, ...verdicts: string[]]>([
    ['plain', /*                */ 'U', 'F', 'F', 'F', 'F', 'F', '*'],
    ['plain(id: "1")', /*       */ 'U', 'F', 'F', 'F', 'F', 'F', '1'],
    ['any', /*                  */ 'U', '*', '*', '*', '*', 'F', '*'],
    ['any(id: 7)', /*           */ 'U', '7', '7', '7', '7', 'F', '7'],
    ['scoped', /*               */ 'U', 'F', '*', '*', 'F', '*', '*'],
    ['both', /*                 */ 'U', 'F', 'F', 'F', 'F', 'F', '*'],
    ['public', /*               */ '*', '*', '*', '*', '*', '*', '*'],
    ['public(id: "1")', /*      */ '1', '1', '1', '1', '1', '1', '1'],
    ['room(id: "1")', /*        */ 'U', 'F', 'F', 'F', '1;*', 'F', '1;*'],
    ['room(id: "3")', /*        */ 'U', 'F', 'F', 'F', 'F', 'F', '3;*'],
    ['room', /*                 */ 'U', 'F', 'F', 'F', 'F', 'F', '*'],
    ['room(ids: ["1"])', /*     */ 'U', 'F', 'F', 'F', 'F', 'F', '*;1'],
    ['room(id: "1 room:2")', /* */ 'U', 'F', 'F', 'F', 'F', 'F', '1 room:2;*'],
    ['room(id: "")', /*         */ 'U', 'F', 'F', 'F', 'F', 'F', ';*'],
    ['room(id: "*")', /*        */ 'U', 'F', 'F', 'F', '*;*', 'F', '*;*'],
    ['roomList(ids: ["1","2"])', 'U', 'F', 'F', 'F', '1,2', 'F', '1,2'],
    ['roomList(ids: ["1","3"])', 'U', 'F', 'F', 'F', 'F', 'F', '1,3'],
    ['roomList', /*             */ 'U', 'F', 'F', 'F', 'F', 'F', '*'],
    ['state(state: DONE)', /*   */ 'U', 'F', 'F', 'F', 'DONE', 'F', 'DONE'],
    ['state(state: OPEN)', /*   */ 'U', 'F', 'F', 'F', 'F', 'F', 'OPEN'],
    ['owned', /*                */ 'U', 'alice;new', 'alice;new', 'F', 'alice;new', 'F', '*;new'],
    ['owned(id: null)', /*      */ 'U', 'alice;new', 'alice;new', 'F', 'alice;new', 'F', '*;new'],
    ['owned(status: null)', /*  */ 'U', 'alice;*', 'alice;*', 'F', 'alice;*', 'F', '*'],
    ['owned(id: "alice")', /*   */ 'U', 'alice;new', 'alice;new', 'F', 'alice;new', 'F', 'alice;new'],
    ['owned(id: "bob")', /*     */ 'U', 'F', 'F', 'F', 'F', 'F', 'bob;new'],
    ['owned(id: "Alice")', /*   */ 'U', 'F', 'F', 'F', 'F', 'F', 'Alice;new'],
    ['owned(id: "")', /*        */ 'U', 'F', 'F', 'F', 'F', 'F', ';new'],
    ['ownedList', /*            */ 'U', 'alice', 'alice', 'F', 'alice', 'F', '*'],
    ['ownedList(ids: ["alice"])', 'U', 'alice', 'alice', 'F', 'alice', 'F', 'alice'],
    ['ownedList(ids: "alice")', 'U', 'alice', 'alice', 'F', 'alice', 'F', 'alice'],
    ['ownedList(ids: ["bob", "alice"])', 'U', 'F', 'F', 'F', 'F', 'F', 'alice,bob'],
    ['ownedList(ids: [])', /*   */ 'U', 'B', 'B', 'B', 'B', 'B', 'B'],
    ['ownedNeeded(id: "alice")', 'U', 'alice', 'alice', 'F', 'alice', 'F', 'alice'],
    ['ownedNeeded(id: "bob")', 'U', 'F', 'F', 'F', 'F', 'F', 'bob'],
    ['ownedByClaim', /*         */ 'U', 'F', 'F', 'F', '1,2,open,x', 'F', '*'],
    ['ownedByClaim(id: 2)', /*  */ 'U', 'F', 'F', 'F', '2', 'F', '2'],
    ['ownedByClaim(id: "alice")', 'U', 'F', 'F', 'F', 'F', 'F', 'alice'],
    ['ownedTwice', /*           */ 'U', 'F', 'F', 'F', '2,x', 'F', '*'],
    ['ownedTwice(id: "x")', /*  */ 'U', 'F', 'F', 'F', 'x', 'F', 'x'],
    ['ownedTwice(id: "1")', /*  */ 'U', 'F', 'F', 'F', 'F', 'F', '1'],
    ['ownedInt', /*             */ 'U', 'F', 'F', 'F', '2', 'F', '*'],
    ['ownedInt(id: 1)', /*      */ 'U', 'F', 'F', 'F', 'F', 'F', '1'],
    ['ownedString', /*          */ 'U', 'F', 'F', 'F', '1,open,x', 'F', '*'],
    ['ownedString(id: "2")', /* */ 'U', 'F', 'F', 'F', 'F', 'F', '2'],
    ['ownedEnum', /*            */ 'U', 'F', 'F', 'F', 'OPEN', 'F', '*'],
    ['ownedEnum(state: OTHER)', 'U', 'F', 'F', 'F', 'F', 'F', 'OTHER'],
    ['ownedAndScoped', /*       */ 'U', 'F', 'alice', 'F', 'F', 'F', '*'],
    ['ownedAndScoped(id: "bob")', 'U', 'F', 'F', 'F', 'F', 'F', 'bob'],
    ['ownedAndPublic', /*       */ 'U', 'alice', 'alice', 'F', 'alice', 'F', '*'],
    ['ownedPlace', /*           */ 'U', '*;alice', '*;alice', 'F', '*;alice', 'F', '*'],
    ['ownedPlace(id: "bob")', /* */ 'U', 'bob;alice', 'bob;alice', 'F', 'bob;alice', 'F', 'bob;*'],
    ['ownedPlaceByClaim', /*    */ 'U', 'F', 'F', 'F', '1,2,open,x', 'F', '*'],
  ])('%s', (text, ...verdicts) => {
    const name = /^\w+/.exec(text)?.[0] ?? ''
    const field = schema.events.get(name)
    if (!field) throw new Error(name)
    const args = coercedArguments(schema.schema, 'Subscription', `subscription { ${text} }`)
    const decide = (caller: EventCaller) => verdict(() => authorize(schema, field, args, caller).values)
    const withoutToken = [noToken, { identity: anyListener, claims: () => 'alice' }].map(decide)
    const [first = '', ...others] = verdicts
    expect([
      ...withoutToken,
      ...Object.values(callers).map(decide),
      ...above(name).map((scope) => decide(callerWith({ scope }))),
    ]).toEqual([
      first,
      first,
      ...others,
      ...above(name)
        .slice(1)
        .map(() => others.at(-1)),
    ])
  })
})

describe('an operation that sends a message', () => {
  const messages = {
    send: publishField('send', { arguments: { id: [] } }),
    sendScoped: publishField('sendScoped', { arguments: { id: [] }, allow: [allow('shop:read')] }),
    sendOwned: publishField('sendOwned', { arguments: { id: [clientId], ids: [clientId] }, owned: true }),
    sendNested: publishField('sendNested', { arguments: { input: [] }, bodyArgument: 'input', owned: true }),
    sendRoom: publishField('sendRoom', { arguments: { input: [] }, allow: [allow('room:{input.label}')] }),
    ask: requestField('ask', 'Query', { arguments: { id: [] } }),
    askOwned: requestField('askOwned', 'Query', { arguments: { id: [clientId] }, owned: true }),
    askPublic: requestField('askPublic', 'Query', { allow: [allowAnonymous] }),
  }
  const full = '{"id":"alice","ids":["alice"]}'
  const nested = '{"input":{"owner":"alice"}}'

  // No token, alice, shop, words, rooms, deleted, then: operator and event:<field>, observe and event:*.
  test.each<[text: string, ...verdicts: string[]]>([
    ['send(id: 1)', /*         */ 'U', 'F', 'F', 'F', 'F', 'F', '{"id":"1"}', 'F'],
    ['sendScoped(id: 1)', /*   */ 'U', 'F', '{"id":"1"}', '{"id":"1"}', 'F', '{"id":"1"}', '{"id":"1"}', 'F'],
    ['sendOwned', /*           */ 'U', full, full, 'F', full, 'F', '{}', 'F'],
    ['sendOwned(id: null)', /* */ 'U', full, full, 'F', full, 'F', '{"id":null}', 'F'],
    ['sendOwned(id: "bob")', /* */ 'U', 'F', 'F', 'F', 'F', 'F', '{"id":"bob"}', 'F'],
    ['sendOwned(ids: ["alice", "bob"])', 'U', 'F', 'F', 'F', 'F', 'F', '{"ids":["alice","bob"]}', 'F'],
    ['sendNested(input: {})', /**/ 'U', nested, nested, 'F', nested, 'F', '{"input":{}}', 'F'],
    ['sendNested(input: {owner: "bob"})', 'U', 'F', 'F', 'F', 'F', 'F', '{"input":{"owner":"bob"}}', 'F'],
    [
      'sendNested(input: {owner: "alice", items: [{owner: "bob"}]})',
      'U',
      'F',
      'F',
      'F',
      'F',
      'F',
      '{"input":{"owner":"alice","items":[{"owner":"bob"}]}}',
      'F',
    ],
    [
      'sendRoom(input: {label: "2"})',
      'U',
      'F',
      'F',
      'F',
      '{"input":{"label":"2"}}',
      'F',
      '{"input":{"label":"2"}}',
      'F',
    ],
    ['sendRoom(input: {})', /* */ 'U', 'F', 'F', 'F', 'F', 'F', '{"input":{}}', 'F'],
    ['ask', /*                 */ 'U', 'F', 'F', 'F', 'F', 'F', '{}', '{}'],
    ['askOwned', /*            */ 'U', '{"id":"alice"}', '{"id":"alice"}', 'F', '{"id":"alice"}', 'F', '{}', '{}'],
    ['askOwned(id: "bob")', /* */ 'U', 'F', 'F', 'F', 'F', 'F', '{"id":"bob"}', '{"id":"bob"}'],
    ['askPublic', /*           */ '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'],
  ])('%s', (text, ...verdicts) => {
    const name = /^\w+/.exec(text)?.[0] as keyof typeof messages
    const isQuery = name.startsWith('ask')
    const args = coercedArguments(
      schema.schema,
      isQuery ? 'Query' : 'Mutation',
      `${isQuery ? 'query' : 'mutation'} { ${text} }`,
    )
    const decide = (caller: EventCaller) => {
      try {
        return JSON.stringify(authorizeMessage(schema, messages[name], args, caller))
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error
        return error.code[0]
      }
    }
    const scopes = ['operator', `event:${name}`, 'observe', 'event:*']
    const [beyond, patterns] = verdicts.slice(-2)
    expect([noToken, ...Object.values(callers), ...scopes.map((scope) => callerWith({ scope }))].map(decide)).toEqual([
      ...verdicts.slice(0, -2),
      beyond,
      beyond,
      patterns,
      patterns,
    ])
  })
})

describe('variables and defaults', () => {
  test.each<[what: string, text: string, variables: Record<string, unknown>, expected: string]>([
    ['a variable that is absent is left out', 'subscription ($id: ID) { owned(id: $id) }', {}, 'alice;new'],
    ['a variable that is null is left out', 'subscription ($id: ID) { owned(id: $id) }', { id: null }, 'alice;new'],
    ['a default of a variable is a value', 'subscription ($id: ID = "bob") { owned(id: $id) }', {}, 'F'],
    [
      'a default of a variable that is the claim',
      'subscription ($id: ID = "alice") { owned(id: $id) }',
      {},
      'alice;new',
    ],
    ['a variable with another value', 'subscription ($id: ID) { owned(id: $id) }', { id: 'bob' }, 'F'],
    ['a variable in a list', 'subscription ($id: ID!) { ownedList(ids: ["alice", $id]) }', { id: 'bob' }, 'F'],
    ['a list as one variable', 'subscription ($ids: [ID!]) { ownedList(ids: $ids) }', { ids: ['alice', 'bob'] }, 'F'],
    ['a default stands for absent only', 'subscription ($s: String) { owned(status: $s) }', { s: null }, 'alice;*'],
  ])('%s', (_what, text, variables, expected) => {
    const args = coercedArguments(schema.schema, 'Subscription', text, variables)
    const field = schema.events.get(/\{ (\w+)/.exec(text)?.[1] ?? '')
    if (!field) throw new Error(text)
    expect(verdict(() => authorize(schema, field, args, callerWith({ sub: 'alice' })).values)).toBe(expected)
  })
})
