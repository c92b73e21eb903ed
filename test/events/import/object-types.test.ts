import { describe, expect, test } from '@jest/globals'
import { fieldsOf, typesOf, uncheckedDraftOf } from './importing.ts'

const text = { type: 'string' }
const of = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const schema = (properties: object, more: object = {}) => ({ $schema: '', title: 'Thing', ...of(properties), ...more })
const ref = (name: string) => ({ $ref: `#/$defs/${name}` })

describe('one type for each schema', () => {
  test('however often and however decorated it is referred to', () => {
    const types = typesOf(
      schema(
        {
          from: ref('Address'),
          to: { ...ref('Address'), description: 'Where it goes.' },
          billing: { allOf: [ref('Address')], title: 'Billing address' },
          home: { oneOf: [ref('Address'), { type: 'null' }] },
          others: { type: 'array', items: ref('Address') },
        },
        { $defs: { Address: of({ street: text }, { required: ['street'] }) } },
      ),
    )
    expect(types).toBe(`type Thing {
  from: Address
  "Where it goes."
  to: Address
  billing: Address
  home: Address
  others: [Address!]
}

type Address {
  street: String!
}
`)
  })

  test('and another one for what adds to it', () => {
    const types = typesOf(
      schema(
        {
          parcel: { ...of({ weight: text }), required: ['weight'], oneOf: [ref('Base')] },
          base: ref('Base'),
          letter: { allOf: [ref('Base'), of({ pages: text })] },
          card: { ...ref('Base'), required: ['id', 'place'] },
        },
        { $defs: { Base: of({ id: text, place: text }, { required: ['id'], title: 'Base' }) } },
      ),
    )
    expect(types).toBe(`type Thing {
  parcel: ThingParcel
  base: Base
  letter: ThingLetter
  card: ThingCard
}

type ThingParcel {
  weight: String!
  id: ID!
  place: String
}

type Base {
  id: ID!
  place: String
}

type ThingLetter {
  id: ID!
  place: String
  pages: String
}

type ThingCard {
  id: ID!
  place: String!
}
`)
  })

  test('of which a part refines properties of another part', () => {
    const types = typesOf(
      schema(
        { event: ref('Derived') },
        {
          $defs: {
            Base: of({ kind: text, state: text, data: { type: 'object' }, next: ref('Base') }),
            Derived: {
              allOf: [ref('Base'), of({ kind: { enum: ['a', 'b'] }, data: of({ total: text }), next: ref('Derived') })],
            },
          },
        },
      ),
    )
    expect(types).toBe(`type Thing {
  event: Derived
}

type Derived {
  kind: ThingKind
  state: String
  data: ThingData
  next: Derived
}

enum ThingKind {
  A @value(is: "a")
  B @value(is: "b")
  OTHER @value(unknown: true)
}

type ThingData {
  total: String
}
`)
  })

  test('of alternatives that refer to themselves', () => {
    const types = typesOf(
      schema(
        { tree: { anyOf: [ref('Leaf'), ref('Branch')] }, other: { oneOf: [ref('Branch'), ref('Leaf')] } },
        {
          $defs: {
            Leaf: of({ value: text, next: ref('Leaf') }, { required: ['value'] }),
            Branch: of({ name: text, next: ref('Branch'), value: text }, { required: ['value', 'name'] }),
          },
        },
      ),
    )
    expect(types).toBe(`type Thing {
  tree: ThingTree
  other: ThingTree
}

type ThingTree {
  value: String!
  next: ThingTree
  name: String
}
`)
  })
})

describe('alternatives of objects', () => {
  test('have the properties of all, required if all require them or the schema itself does', () => {
    const it = {
      ...of({ id: text, size: { type: 'integer' }, kind: text, note: {} }, { required: ['size'] }),
      oneOf: [
        of({ kind: { const: 'a' }, size: { maximum: 9 }, a: text, both: text }, { required: ['kind', 'a'] }),
        of({ kind: { const: 'b' }, b: text, both: { type: 'boolean' } }, { required: ['kind', 'b'] }),
        of({ kind: { const: 'c' }, both: text }, { required: ['kind', 'c'] }),
      ],
    }
    expect(typesOf(schema({ it }))).toBe(`type Thing {
  it: ThingIt
}

type ThingIt {
  id: ID
  size: Int!
  kind: ThingKind!
  note: JSON
  a: String
  both: JSON # mixed: string, boolean
  b: String
}

enum ThingKind {
  A @value(is: "a")
  B @value(is: "b")
  C @value(is: "c")
  OTHER @value(unknown: true)
}
`)
  })

  test('have one type for a property with one schema', () => {
    const shared = of({ x: text })
    const yaml = `
$schema: ''
title: Thing
properties:
  it:
    anyOf:
      - { properties: { place: &place { properties: { x: { type: string } } } } }
      - { properties: { place: *place } }
`
    const expected = `type Thing {
  it: ThingIt
}

type ThingIt {
  place: ThingPlace
}

type ThingPlace {
  x: String
}
`
    expect(typesOf(yaml)).toBe(expected)
    expect(typesOf(schema({ it: { anyOf: [of({ place: shared }), of({ place: shared })] } }))).toBe(expected)
  })
})

describe('names', () => {
  test('of types: the definition, the title, or the place', () => {
    const types = typesOf(
      schema(
        {
          'ship-to': of({ a: text }),
          lines: { type: 'array', items: of({ b: text }) },
          entry: of({ c: text }, { title: 'Price list' }),
          klass: ref('com.example.shop.OrderLine'),
          titled: ref('com.example.Money'),
          nested: of({ nested: of({ lines: { type: 'array', items: of({ d: text }) } }) }),
        },
        {
          $defs: {
            'com.example.shop.OrderLine': of({ e: text }),
            'com.example.Money': of({ f: text }, { title: 'Amount of money' }),
          },
        },
      ),
    )
    expect(types.match(/^type \w+/gm)).toEqual(
      [
        'Thing ThingShipTo ThingLine PriceList OrderLine AmountOfMoney ThingNested',
        'ThingNestedNested ThingNestedNestedLine',
      ]
        .flatMap((names) => names.split(' '))
        .map((name) => `type ${name}`),
    )
    expect(types).toContain('  shipTo: ThingShipTo @from(body: "/ship-to")\n')
  })

  test('of fields: members that are valid keep theirs', () => {
    const types = typesOf(schema({ 'a-b': text, aB: text, a_b: text, '~/': text, __type: text, 'x\ud800': text }))
    expect(types).toBe(`# Left out: 1 more member.
type Thing {
  aB2: String @from(body: "/a-b")
  aB: String
  a_b: String
  field: String @from(body: "/~0~1")
  type: String @from(body: "/__type")
}
`)
  })

  test('of enums: one for the same values of one member, or of one definition', () => {
    const enumOf = (...values: string[]) => ({ enum: values })
    const types = typesOf(
      schema(
        {
          state: enumOf('a', 'b'),
          order: of({ state: enumOf('a', 'b') }),
          parcel: of({ state: enumOf('a', 'c') }),
          cargo: of({ parcel: of({ state: enumOf('OTHER', 'UNKNOWN') }) }),
          kind: enumOf('a', 'b'),
          one: ref('State'),
          two: ref('State'),
        },
        { $defs: { State: { ...enumOf('new', 'done'), description: 'Where it is.' } } },
      ),
    )
    expect(types).toBe(`type Thing {
  state: ThingState
  order: ThingOrder
  parcel: ThingParcel
  cargo: ThingCargo
  kind: ThingKind
  "Where it is."
  one: State
  "Where it is."
  two: State
}

enum ThingState {
  A @value(is: "a")
  B @value(is: "b")
  OTHER @value(unknown: true)
}

type ThingOrder {
  state: ThingState
}

type ThingParcel {
  state: ThingParcelState
}

enum ThingParcelState {
  A @value(is: "a")
  C @value(is: "c")
  OTHER @value(unknown: true)
}

type ThingCargo {
  parcel: ThingCargoParcel
}

type ThingCargoParcel {
  state: ThingCargoParcelState
}

enum ThingCargoParcelState {
  OTHER
  UNKNOWN
  UNKNOWN_VALUE @value(unknown: true)
}

enum ThingKind {
  A @value(is: "a")
  B @value(is: "b")
  OTHER @value(unknown: true)
}

"Where it is."
enum State {
  NEW @value(is: "new")
  DONE @value(is: "done")
  OTHER @value(unknown: true)
}
`)
  })

  test('reserved ones are not taken', () => {
    expect(typesOf(schema({ a: of({ b: text }, { title: 'Query' }) }))).toContain('  a: ThingA\n')
    expect(fieldsOf({ ...schema({ b: text }), title: 'Event gap' })).toEqual([
      '  eventGapChanged: EventGapEvent @events(exchange: "events")',
    ])
  })
})

describe('is bounded', () => {
  const typesIn = (document: unknown) => /^(?:#.*\n)?type Thing [^]*/m.exec(uncheckedDraftOf(document))?.[0] ?? ''
  const manyOf = (count: number, name: string, one: (index: number) => unknown = () => text) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index + 1}`, one(index)]))

  test('200 fields', () => {
    expect(typesIn(schema(manyOf(200, 'f')))).not.toContain('Left out')
    const types = typesIn(schema(manyOf(203, 'f')))
    expect(types).toContain('# Left out: 3 more members.\ntype Thing {\n  f1: String\n')
    expect(types).toContain('  f200: String\n}\n')
  })

  test('300 types', () => {
    const types = typesIn(schema(manyOf(160, 'f', () => of({ g: of({ h: text }) }))))
    expect(types.match(/^type /gm)).toHaveLength(300)
    expect(types).toContain('  g: JSON # too many types\n')
  })

  test('15 schemas in each other', () => {
    const nested = (depth: number, wrap: (inner: object) => object): object =>
      depth === 0 ? text : wrap(nested(depth - 1, wrap))
    const objects = (depth: number) => typesIn(schema({ a: nested(depth, (inner) => of({ a: inner })) }))
    expect(objects(15)).not.toContain('JSON')
    expect(objects(15).match(/^type /gm)).toHaveLength(16)
    expect(objects(16)).toContain('  a: JSON # nests too deep\n')
    const lists = (depth: number) => typesIn(schema({ a: nested(depth, (items) => ({ type: 'array', items })) }))
    expect(lists(15)).toContain(`  a: ${'['.repeat(15)}String${'!]'.repeat(15)}\n`)
    expect(lists(16)).toContain(`  a: ${'['.repeat(15)}[JSON]${'!]'.repeat(15)}\n`)
    const alternatives = (depth: number) => typesIn(schema({ a: nested(depth, (inner) => ({ anyOf: [inner, text] })) }))
    expect(alternatives(15)).toContain('  a: String\n')
    expect(alternatives(16)).toContain('  a: JSON # too many alternatives of alternatives\n')
  })

  test.each<[keyword: string, line: string]>([
    ['allOf', '  a: Last\n'],
    ['anyOf', '  a: JSON # too many alternatives of alternatives\n'],
  ])('schemas that multiply by %s', (keyword, line) => {
    const defs = manyOf(12, 'level', (index) => ({
      [keyword]: Array.from({ length: 10 }, (_, each) => ({
        title: `${each}`,
        ...ref(index === 11 ? 'Last' : `level${index + 2}`),
      })),
    }))
    const document = schema(
      { a: ref('level1'), b: { anyOf: [text, text] } },
      { $defs: { ...defs, Last: of({ x: text }) } },
    )
    expect(typesIn(document)).toContain(line)
  })

  test.each(['allOf', 'anyOf', 'items', 'oneOf'])('a document that nests 20,000 times by %s', (keyword) => {
    const depth = 20_000
    const [begin, end] = keyword === 'items' ? ['{"items":', '}'] : [`{"${keyword}":[`, ']}']
    const deep = begin.repeat(depth) + JSON.stringify(text) + end.repeat(depth)
    const sdl = typesIn(`{ "$schema": "", "title": "Thing", "properties": { "a": ${deep}, "b": { "$ref": "#x" } } }`)
    expect(sdl).toMatch(/^ {2}a: \[*JSON/m)
  })

  test('a chain of 20,000 references', () => {
    const $defs = manyOf(20_000, 'level', (index) => ref(`level${index + 2}`))
    expect(typesIn(schema({ a: ref('level1') }, { $defs }))).toContain('  a: JSON\n')
  })

  test('an alias of YAML that leads back to itself', () => {
    const types = typesOf(`
$schema: ''
title: Thing
properties:
  a: &a { properties: { b: *a } }
  c: &c { allOf: [*c, { type: string }] }
  d: &d { anyOf: [*d, { type: string }] }
  e: { $ref: '#e' }
`)
    expect(types).toBe(`type Thing {
  a: ThingA
  c: String
  d: JSON # too many alternatives of alternatives
  e: JSON # the reference "#e" leads out of the document
}

type ThingA {
  b: ThingA
}
`)
  })

  test('a list with more values than a call has arguments', () => {
    const values = Array.from({ length: 200_000 }, (_, index) => index)
    expect(typesIn(schema({ a: { $ref: '#a', enum: values } }))).toContain('  a: JSON # the reference "#a" leads out')
  })
})

test('members of every object are members of the document', () => {
  const document = `{ "$schema": "", "title": "Thing", "required": ["constructor"], "properties": {
    "__proto__": { "type": "string" }, "constructor": { "type": "integer" }, "toString": { "$ref": "#/$defs/valueOf" }
  }, "$defs": { "a": {} } }`
  expect(typesOf(document)).toBe(`type Thing {
  proto: String @from(body: "/__proto__")
  constructor: Int!
  toString: JSON # the reference "#/$defs/valueOf" leads out of the document
}
`)
})
