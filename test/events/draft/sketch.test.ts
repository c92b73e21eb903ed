import { describe, expect, test } from '@jest/globals'
import { buildASTSchema, type GraphQLObjectType, parse } from 'graphql'
import {
  directive,
  example,
  type FieldSketch,
  inComment,
  isWritable,
  literal,
  printSketch,
  type SchemaSketch,
  unionOf,
} from '../../../src/events/draft/sketch.ts'

const field = (name: string, more: Partial<FieldSketch> = {}): FieldSketch => ({
  name,
  type: 'ID',
  directives: [],
  ...more,
})
const subscription = { ...field('a'), arguments: [], directives: ['@events(exchange: "a")'] }

function printed(sketch: Partial<SchemaSketch>): string {
  return printSketch({ remarks: [], subscriptions: [subscription], types: [], ...sketch })
}

describe('SDL has', () => {
  test('remarks, fields and types, with an empty line between', () => {
    const sdl = printed({
      remarks: ['One.', '', 'Two.'],
      subscriptions: [subscription, { ...subscription, name: 'b', directives: [] }],
      types: [
        {
          kind: 'enum',
          name: 'E',
          description: 'Is.',
          values: [field('X', { type: '', directives: ['@value(is: "x")'] }), field('Y', { type: '' })],
        },
        {
          kind: 'type',
          name: 'T',
          directives: ['@eventType(name: "t")'],
          description: 'Has.',
          remarks: ['Left out: 1 more member.'],
          fields: [field('a', { comment: 'such as 1' })],
        },
        { kind: 'union', name: 'U', remarks: ['Of types.'], members: ['T', 'V'] },
        {
          kind: 'type',
          name: 'V',
          directives: [],
          remarks: [],
          fields: [field('a'), field('b', { description: 'Of b.' })],
        },
      ],
    })
    expect(sdl).toBe(`# One.
#
# Two.

type Subscription {
  a: ID @events(exchange: "a")

  b: ID
}

"Is."
enum E {
  X @value(is: "x")
  Y
}

# Left out: 1 more member.
"Has."
type T @eventType(name: "t") {
  a: ID # such as 1
}

# Of types.
union U = T | V

type V {
  a: ID
  "Of b."
  b: ID
}
`)
    expect(printed({ types: [{ kind: 'union', name: 'U', remarks: [], members: ['A'] }] })).toContain(
      '}\n\nunion U = A\n',
    )
    expect(printed({})).toBe('type Subscription {\n  a: ID @events(exchange: "a")\n}\n')
  })

  test('lines of at most 120 columns', () => {
    const wide = (columns: number) => {
      const name = (columnsBefore: number) => 'x'.repeat(columns - columnsBefore)
      const sdl = printed({
        subscriptions: [{ ...subscription, directives: [`@${name('  a: ID @'.length)}`] }],
        types: [
          { kind: 'type', name: 'T', directives: [`@${name('type T @'.length)}`], remarks: [], fields: [field('a')] },
          { kind: 'union', name: 'U', remarks: [], members: ['T', name('union U = T | '.length)] },
        ],
      })
      return sdl.split('\n').filter((line) => line.includes('xx'))
    }
    expect(wide(120).map((line) => line.replace(/x+/, 'x'))).toEqual(['  a: ID @x', 'type T @x {', 'union U = T | x'])
    expect(wide(121).map((line) => line.replace(/x+/, 'x'))).toEqual(['    @x', '  @x {', '  | x'])
  })

  test('several directives on lines of their own', () => {
    const sdl = printed({ subscriptions: [{ ...subscription, directives: ['@events(exchange: "a")', '@allow'] }] })
    expect(sdl).toBe('type Subscription {\n  a: ID\n    @events(exchange: "a")\n    @allow\n}\n')
  })

  test('arguments, of which the last line counts for the width', () => {
    const args = [field('b', { description: 'B.', comment: 'one of x' }), field('c')]
    const sdl = printed({ subscriptions: [{ ...subscription, name: 'a'.repeat(100), arguments: args }] })
    expect(sdl).toBe(`type Subscription {
  ${'a'.repeat(100)}(
    "B."
    b: ID # one of x
    c: ID
  ): ID @events(exchange: "a")
}
`)
  })
})

test('a union remarks fields of unlike types', () => {
  const member = (name: string, ...fields: FieldSketch[]) => ({
    kind: 'type' as const,
    name,
    directives: [],
    remarks: [],
    fields,
  })
  const [same, text] = [field('same'), field('a', { type: 'String' })]
  const union = unionOf('U', [
    member('A', same, field('a'), field('b')),
    member('B', same, text, field('b', { type: 'ID!' })),
  ])
  expect(union).toEqual({
    kind: 'union',
    name: 'U',
    remarks: ['Of other types in some members, so that clients need aliases: a, b'],
    members: ['A', 'B'],
  })
  expect(unionOf('U', [member('A', same, field('a')), member('B', same)]).remarks).toEqual([])
})

describe('a description reads as it was', () => {
  const described = (description: string) => {
    const sdl = printed({ subscriptions: [{ ...subscription, description, directives: [] }] })
    const schema = buildASTSchema(parse(sdl), { assumeValid: true })
    return {
      sdl,
      read: (schema.getType('Subscription') as GraphQLObjectType).getFields()['a']?.description ?? undefined,
    }
  }

  test.each<[what: string, text: string]>([
    ['one line', 'A "b" \\ c'],
    ['lines', 'A\nb\n\nc'],
    ['indented lines', 'A\n  b\n    c'],
    ['the end of a block', 'A """ b\nc'],
    ['a backslash in lines', 'A \\" b\nc'],
    ['a quote at the end', 'A\n"b"'],
    ['a tab in lines', 'A\tb\nc'],
    ['a control character', 'A\u0000\u0007\u009f\nb'],
    ['invisible characters', 'A\u200b\u2028\u202e\nb'],
    ['letters of any language', '注文\n😀'],
  ])('%s', (_what, text) => {
    expect(described(text).read).toBe(text)
  })

  test('without white space around it and at the ends of lines', () => {
    expect(described(' \n A  \r\n b\t\n  ')).toEqual({
      sdl: 'type Subscription {\n  """\n  A\n   b\n  """\n  a: ID\n}\n',
      read: 'A\n b',
    })
    expect(described('A\n \nb').sdl).toContain('\n  A\n\n  b\n')
    expect(described(' \n ').sdl).toBe('type Subscription {\n  a: ID\n}\n')
    expect(described('A\u200b\nb').sdl).toContain('"A\\u200b\\nb"')
  })
})

test('a text in SDL shows what is invisible', () => {
  expect(literal('a"\\\n')).toBe('"a\\"\\\\\\n"')
  expect(literal('a\u007f\u0085\u200b')).toBe('"a\\u007f\\u0085\\u200b"')
  expect(literal('a\ud800b😀')).toBe('"a\ufffdb😀"')
  expect(isWritable('a😀')).toBe(true)
  expect(isWritable('a\udc00')).toBe(false)
})

test('a text in a comment stays in its line', () => {
  expect(inComment('a\nb\r\u0085\u2028\u2029\ud800😀')).toBe('a\\u{a}b\\u{d}\\u{85}\\u{2028}\\u{2029}\\u{d800}😀')
})

test('an example has at most 48 characters, and whole ones', () => {
  expect(example('a'.repeat(48))).toBe(`"${'a'.repeat(48)}"`)
  expect(example('a'.repeat(49))).toBe(`"${'a'.repeat(47)}…"`)
  expect(example('😀'.repeat(48))).toBe(`"${'😀'.repeat(48)}"`)
  expect(example('😀'.repeat(49))).toBe(`"${'😀'.repeat(47)}…"`)
  expect(example('a'.repeat(100_000))).toBe(`"${'a'.repeat(47)}…"`)
})

test('a directive has the arguments that are given', () => {
  expect(directive('from', {})).toBe('@from')
  expect(directive('from', { body: undefined })).toBe('@from')
  expect(directive('from', { body: '"/a"', header: undefined, as: 'X' })).toBe('@from(body: "/a", as: X)')
})
