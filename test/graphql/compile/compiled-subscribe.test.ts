import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import {
  buildSchema,
  type ExecutionArgs,
  type GraphQLSchema,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  parse,
  validate,
} from 'graphql'
import { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { channelTopic } from '../../../src/core/ports/topic.ts'
import { compileSubscribe } from '../../../src/graphql/compile/compiled-subscribe.ts'
import type { Context } from '../../../src/graphql/context.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { isWholeRun, pick, runs, weighted } from '../../support/property.ts'

/** The arguments as graphql-js coerces them; undefined if it refuses them. */
function byGraphqlJs(
  of: GraphQLSchema,
  { document, variableValues }: Pick<ExecutionArgs, 'document' | 'variableValues'>,
) {
  const operation = getOperationAST(document)
  const node = operation?.selectionSet.selections[0]
  const field = node?.kind === Kind.FIELD ? of.getSubscriptionType()?.getFields()[node.name.value] : undefined
  if (!operation || node?.kind !== Kind.FIELD || !field) throw new Error('no root field')
  const { coerced, errors } = getVariableValues(of, operation.variableDefinitions ?? [], variableValues ?? {})
  if (errors) return undefined
  try {
    return getArgumentValues(field, node, coerced)
  } catch {
    return undefined
  }
}

const types: Record<string, readonly string[]> = {
  clientId: ['ID!', 'ID! = "c"', 'ID = "c"'],
  after: ['Cursor', 'Cursor!', 'Cursor = "x"', 'Cursor! = "x"'],
  checkpoints: ['Boolean', 'Boolean!', 'Boolean = true', 'Boolean! = false'],
  overflow: ['OverflowPolicy', 'OverflowPolicy!', 'OverflowPolicy = END'],
}
const literals: Record<string, readonly string[]> = {
  clientId: ['"alice"', '7'],
  after: ['"x"', 'null'],
  checkpoints: ['true', 'null'],
  overflow: ['CONFLATE', 'null'],
}
const values: readonly unknown[] = [
  'alice',
  '',
  7,
  7.5,
  true,
  false,
  null,
  undefined,
  'END',
  'NONE',
  [],
  ['a'],
  {},
  1e300,
]

interface Argument {
  readonly name: string
  /** Undefined: a literal. */
  readonly variable: string | undefined
  readonly type: string
  readonly literal: string
  /** The value of the variable, if it is given. */
  readonly given: readonly unknown[]
}

const argument = (name: string): fc.Arbitrary<Argument | undefined> =>
  fc
    .record({
      name: fc.constant(name),
      variable: weighted<string | undefined>([3, pick(name, `${name}_`, '__proto__')], [1, pick(undefined)]),
      type: pick(...(types[name] ?? [])),
      literal: pick(...(literals[name] ?? [])),
      given: weighted<readonly unknown[]>([4, fc.tuple(pick(...values))], [1, fc.constant([])]),
    })
    .chain((made) => (name === 'clientId' ? fc.constant(made) : weighted([4, fc.constant(made)], [1, pick(undefined)])))

const operation = fc
  .tuple(fc.tuple(...Object.keys(types).map(argument)), weighted([19, pick(true)], [1, pick(false)]))
  .map(([made, hasValues]) => {
    const variables = new Map<string, string>()
    const args: string[] = []
    const variableValues: Record<string, unknown> = {}
    for (const one of made) {
      if (one === undefined || (one.variable !== undefined && variables.has(one.variable))) continue
      const { name, variable, type, literal, given } = one
      args.push(`${name}: ${variable === undefined ? literal : `$${variable}`}`)
      if (variable === undefined) continue
      variables.set(variable, type)
      for (const value of given) Object.defineProperty(variableValues, variable, { value, enumerable: true })
    }
    const definitions =
      variables.size > 0 ? `(${[...variables].map(([name, type]) => `$${name}: ${type}`).join(', ')})` : ''
    return {
      text: `subscription Any${definitions} { channel${args.length > 0 ? `(${args.join(', ')})` : ''} { data } }`,
      variableValues: hasValues ? variableValues : undefined,
    }
  })

const operations = 250

describe('a compiled subscribe', () => {
  test('has the arguments that graphql-js would pass, or none if graphql-js refuses', () => {
    let [refused, taken] = [0, 0]
    fc.assert(
      fc.property(operation, ({ text, variableValues }) => {
        const document = parse(text)
        if (validate(schema, document).length > 0) return
        const expected = byGraphqlJs(schema, { document, variableValues })
        const compiled = compileSubscribe(schema, document, undefined)
        expect(compiled?.argumentsOf(variableValues)).toEqual(expected)
        if (expected) taken += 1
        else refused += 1
      }),
      runs(operations),
    )
    if (isWholeRun) expect(Math.min(refused, taken)).toBeGreaterThan(0.06 * operations)
  })

  test.each([
    ['has a fragment at its root', 'subscription { ... { channel(clientId: "a") { data } } }'],
    ['has a directive', 'subscription { channel(clientId: "a") @include(if: true) { data } }'],
    ['is a query', '{ gateway { version } }'],
    ['selects only __typename', 'subscription { __typename }'],
  ])('leaves an operation that %s to graphql-js', (_what, text) => {
    expect(compileSubscribe(schema, parse(text), undefined)).toBeUndefined()
  })

  test('leaves a field with lists or input objects as arguments to graphql-js', () => {
    const other = buildSchema(
      'input Where { id: ID } type Query { a: Int } type Subscription { a(ids: [ID], where: Where): Int }',
    )
    const field = other.getSubscriptionType()?.getFields()['a']
    if (field) field.subscribe = () => undefined
    for (const text of [
      'subscription A($ids: [ID]) { a(ids: $ids) }',
      'subscription A($id: ID) { a(ids: [$id]) }',
      'subscription A($id: ID) { a(where: { id: $id }) }',
    ]) {
      expect([text, compileSubscribe(other, parse(text), undefined)]).toEqual([text, undefined])
    }
    expect(compileSubscribe(other, parse('subscription { a }'), undefined)?.argumentsOf({})).toEqual({})
  })

  test('returns the subscription that the resolver opens, and nothing if the resolver refuses', () => {
    const compiled = compileSubscribe(schema, parse('subscription { channel(clientId: "a") { data } }'), undefined)
    const replayer = { resume: () => {}, stop: () => {} }
    const opened = new ChannelSubscription({ topic: channelTopic('a'), after: undefined, replayer })
    const context = (subscribe: () => ChannelSubscription) => ({ subscribe }) as unknown as Context
    expect(
      compiled?.subscription(
        { clientId: 'a' },
        context(() => opened),
      ),
    ).toBe(opened)
    const refusing = () => {
      throw new Error('no')
    }
    expect(compiled?.subscription({ clientId: 'a' }, context(refusing))).toBeUndefined()
  })
})
