import { describe, expect, test } from '@jest/globals'
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
import { compileSubscribe } from '../../../src/graphql/compile/compiled-subscribe.ts'
import type { Context } from '../../../src/graphql/context.ts'
import { schema } from '../../../src/graphql/schema.ts'
import { Seeded } from '../../ledger/seeded.ts'
import { repetitions } from '../../support/repetitions.ts'

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

function anyOperation(random: Seeded): { text: string; variableValues: Record<string, unknown> | undefined } {
  const variables: string[] = []
  const args: string[] = []
  const variableValues: Record<string, unknown> = {}
  for (const name of Object.keys(types)) {
    const dice = random.next()
    if (dice < 0.2 && name !== 'clientId') continue
    if (dice < 0.4) {
      args.push(`${name}: ${random.pick(literals[name] ?? [])}`)
      continue
    }
    const variable = random.pick([name, `${name}_`, '__proto__'])
    if (variables.some((one) => one.startsWith(`$${variable}:`))) continue
    variables.push(`$${variable}: ${random.pick(types[name] ?? [])}`)
    args.push(`${name}: $${variable}`)
    if (random.next() < 0.8)
      Object.defineProperty(variableValues, variable, { value: random.pick(values), enumerable: true })
  }
  const definitions = variables.length > 0 ? `(${variables.join(', ')})` : ''
  return {
    text: `subscription Any${definitions} { channel${args.length > 0 ? `(${args.join(', ')})` : ''} { data } }`,
    variableValues: random.next() < 0.05 ? undefined : variableValues,
  }
}

describe('a compiled subscribe', () => {
  test.each([1, 2].slice(0, repetitions(1, 2)))(
    'has the arguments that graphql-js would pass, or none if graphql-js refuses (seed %i)',
    (seed) => {
      const random = new Seeded(seed)
      let [refused, taken] = [0, 0]
      for (let number = 0; number < repetitions(500, 1_000); number += 1) {
        const { text, variableValues } = anyOperation(random)
        const document = parse(text)
        if (validate(schema, document).length > 0) continue
        const expected = byGraphqlJs(schema, { document, variableValues })
        const compiled = compileSubscribe(schema, document, undefined)
        expect([text, variableValues, compiled?.argumentsOf(variableValues)]).toEqual([text, variableValues, expected])
        if (expected) taken += 1
        else refused += 1
      }
      expect(Math.min(refused, taken)).toBeGreaterThan(repetitions(30, 60))
    },
  )

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
    const opened = new ChannelSubscription({ channel: 'a', after: undefined, replayer })
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
