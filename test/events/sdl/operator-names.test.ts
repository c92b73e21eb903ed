import { describe, expect, test } from '@jest/globals'
import { printType, validateSchema } from 'graphql'
import { schemaForOperators } from '../../../src/events/sdl/type-system/operator-names.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'
import { everyOperatorName, fieldNames, operatorFields } from './operator-names.ts'
import { printedMistakes, schemaOf } from './reading.ts'

describe('a name of the operator API', () => {
  test('is free for a field, and the field of the operator API is left out', () => {
    const sdl = 'type Query { messages: ID @request(routingKey: "a") }'
    const { schema, core, lacksCore } = schemaOf(sdl)
    expect(fieldNames(schema.schema, 'Query')).toContain('clients')
    expect(String(schema.schema.getQueryType()?.getFields()['messages']?.type)).toBe('ID')
    expect(String(core.getQueryType()?.getFields()['messages']?.type)).toBe('JournalPage!')
    expect(lacksCore).toBe(true)
    expect(printedMistakes(sdl)).toEqual([
      'e.graphql:1:14: the operator API has the same names as Query.messages, so its field Query.messages is left out of /graphql: operators find the whole API at /console/graphql, and at /graphql on the ops port',
    ])
  })

  test('is free for a type, and the fields that need its own type are left out', () => {
    const sdl = 'type Subscription { moved: ReplicaLoad @events(exchange: "a") } type ReplicaLoad { shelf: Int }'
    const { schema } = schemaOf(sdl)
    const load = schema.schema.getType('ReplicaLoad')
    expect(load && printType(load)).toBe('type ReplicaLoad {\n  shelf: Int\n}')
    expect(fieldNames(schema.schema, 'Query')).not.toContain('replicas')
    expect(fieldNames(schema.schema, 'Query')).toContain('clients')
    expect(schema.schema.getType('ReplicaMemory')).toBeUndefined()
    expect(printedMistakes(sdl)).toEqual([
      expect.stringMatching(
        /^e\.graphql:1:70: the operator API has the same names as the type ReplicaLoad, so its fields? /,
      ),
    ])
  })

  test('may be taken all at once, and clients keep what is theirs', () => {
    const { schema } = schemaOf(everyOperatorName())
    const left = (['Query', 'Mutation', 'Subscription'] as const).flatMap((root) => fieldNames(schema.schema, root))
    expect(left).toEqual(expect.arrayContaining(['channel', 'publish', 'history', 'clientChannel', 'presenceChanged']))
    for (const { name } of operatorFields(coreSchema)) expect(left.filter((one) => one === name)).toEqual([name])
    expect(printedMistakes(everyOperatorName())).toHaveLength(1)
  })

  test('displaces nothing if no name is the same', () => {
    const { schema, lacksCore } = schemaOf('type Query { stock: ID @request(routingKey: "a") }')
    expect(lacksCore).toBe(false)
    expect(fieldNames(schema.schema, 'Query')).toEqual([...fieldNames(coreSchema, 'Query'), 'stock'])
  })
})

describe('the schema for operators', () => {
  const sdl = `type Query { messages: ID @request(routingKey: "a") stock: Shelf @request(routingKey: "b") }
    type Shelf { id: ID }
    type Subscription { moved: ReplicaLoad @events(exchange: "a") shelf(id: ID): Shelf @events(exchange: "b") }
    type ReplicaLoad { shelf: Int }`
  const { schema, core } = schemaOf(sdl)
  const forOperators = schemaForOperators(schema.schema, core)

  test("has Warren's own fields, whole, and the team's with other names", () => {
    for (const root of ['Query', 'Mutation', 'Subscription'] as const) {
      const own = fieldNames(core, root)
      const added = { Query: ['stock'], Mutation: [], Subscription: ['shelf'] }[root]
      expect(fieldNames(forOperators, root).toSorted()).toEqual([...own, ...added].toSorted())
    }
    expect(String(forOperators.getQueryType()?.getFields()['messages']?.type)).toBe('JournalPage!')
    expect(String(forOperators.getQueryType()?.getFields()['stock']?.type)).toBe('Shelf')
    expect(validateSchema(forOperators)).toEqual([])
  })

  test("has Warren's own types where the team's have the same name", () => {
    expect(forOperators.getType('ReplicaLoad')).toBe(core.getType('ReplicaLoad'))
    expect(forOperators.getType('ReplicaMemory')).toBeDefined()
    expect(forOperators.getType('Shelf')).toBe(schema.schema.getType('Shelf'))
  })
})
