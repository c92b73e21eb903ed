import { beforeAll, describe, expect, test } from '@jest/globals'
import { buildSchema, execute, type GraphQLField, type GraphQLSchema, parse } from 'graphql'
import { asSubgraph } from '../../src/events/federation/subgraph.ts'
import { printSubgraph } from '../../src/events/federation/subgraph-sdl.ts'
import { TypedObject } from '../../src/events/model/typed-value.ts'
import { schema as coreSchema } from '../../src/graphql/schema.ts'
import { schemaOf } from '../events/sdl/reading.ts'

const link = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key","@shareable","@inaccessible","@tag","@external","@interfaceObject"])`

test('the SDL of a subgraph has each mark at its coordinate, once, and no oneOf', () => {
  const schema = buildSchema(`
    scalar Money @specifiedBy(url: "https://example.com")
    interface Node { id(form: Form): ID! }
    type Query { "All." product(sku: ID! = "a", choice: Choice): Product  plain: Int }
    type Product implements Node { id(form: Form): ID!  old: Int @deprecated(reason: "new") }
    type Own { id: ID! }
    union Any = Product | Own
    enum Form { A B }
    input Choice @oneOf { a: ID  b: Int }
  `)
  const mark = (coordinate: string, name: string, args: Record<string, unknown> = {}) => ({ coordinate, name, args })
  const sdl = printSubgraph(schema, {
    marks: [
      mark('Product', 'key', { fields: 'id', resolvable: true }),
      mark('Product', 'key', { fields: 'sku', resolvable: false }),
      mark('Own', 'key', { fields: 'id' }),
      mark('Own', 'shareable'),
      ...['Money', 'Node', 'Any', 'Form', 'Choice'].map((name) => mark(name, 'tag', { name })),
      mark('Node.id', 'tag', { name: 'field' }),
      mark('Product.id(form:)', 'tag', { name: 'argument' }),
      mark('Product.old', 'external'),
      mark('Query.product(sku:)', 'inaccessible'),
      mark('Form.A', 'inaccessible'),
      mark('Choice.b', 'tag', { name: 'b' }),
    ],
    valueTypes: new Set(['Own']),
    inaccessible: new Set(['Query.plain']),
    entityTypes: new Set(['Product']),
  })
  expect(sdl).toBe(`${link}

scalar Money @specifiedBy(url: "https://example.com") @tag(name: "Money")

interface Node @tag(name: "Node") {
  id(form: Form): ID! @tag(name: "field")
}

type Query {
  """All."""
  product(sku: ID! = "a" @inaccessible, choice: Choice): Product
  plain: Int @inaccessible
}

type Product implements Node @key(fields: "id") @key(fields: "sku", resolvable: false) {
  id(form: Form @tag(name: "argument")): ID!
  old: Int @deprecated(reason: "new") @external
}

type Own @key(fields: "id", resolvable: false) @shareable {
  id: ID!
}

union Any @tag(name: "Any") = Product | Own

enum Form @tag(name: "Form") {
  A @inaccessible
  B
}

input Choice @tag(name: "Choice") {
  a: ID
  b: Int @tag(name: "b")
}
`)
})

interface ServiceOf {
  readonly sdl?: string
  readonly core?: boolean
}

async function serviceSdl(schema: GraphQLSchema): Promise<string> {
  const { data } = await execute({ schema, document: parse('{ _service { sdl } }') })
  const { _service: service } = data as { _service: { sdl: string } }
  return service.sdl
}

/** The subgraph of a team's SDL. */
function subgraphOf({ sdl = '', core = false }: ServiceOf) {
  const { schema, federation, core: own } = schemaOf(sdl, { core })
  return { schema, subgraph: asSubgraph(schema.schema, { coreSchema: own, team: { schema, marks: federation } }) }
}

describe('a subgraph', () => {
  const stub = `
    type Subscription { order(id: ID): Order @events(exchange: "orders", history: true) @state(key: "/id") @allow
      node: Node @events(exchange: "nodes") @allow }
    type Mutation { place(id: ID!): Published! @publish(exchange: "orders") @allow }
    type Order { id: ID!  customer: Customer! }
    interface Node { id: ID! }
    type Leaf implements Node @eventType(name: "leaf") { id: ID! }
    type Customer @key(fields: "id") { id: ID! }`

  test('has a stub that no router asks for, types that gateways share, and no entities', async () => {
    const { subgraph } = subgraphOf({ sdl: stub })
    const sdl = await serviceSdl(subgraph)
    expect(sdl).toContain('type Customer @key(fields: "id", resolvable: false) {')
    expect(sdl).toContain('type Published @shareable {')
    expect(sdl).toContain('type EventGap @shareable {')
    expect(sdl).toMatch(/type Order \{/)
    expect(sdl).toContain('type Leaf implements Node {')
    expect(sdl).toMatch(/type (Query|Mutation|Subscription) \{/)
    expect(sdl).not.toMatch(/_service|_entities|_Any|inaccessible\)? *$/)
    expect(Object.keys(subgraph.getQueryType()?.getFields() ?? {})).toEqual(['orderHistory', 'orderState', '_service'])
    expect(subgraph.getQueryType()?.getFields()['_service']).toMatchObject({ description: 'The SDL of this subgraph.' })
    expect([String(subgraph.getQueryType()?.getFields()['_service']?.type)]).toEqual(['_Service!'])
  })

  test("hides what is for operators, of each root, and shares Warren's own types", async () => {
    const sdl = await serviceSdl(subgraphOf({ sdl: stub, core: true }).subgraph)
    expect(sdl).toMatch(/ {2}trace\([^)]*\): \[ReplicaTrace!\]! @inaccessible/)
    expect(sdl).toMatch(/ {2}ban\([^)]*\): [^\n]* @inaccessible/)
    expect(sdl).toMatch(/ {2}tail\([^)]*\): [^\n]* @inaccessible/)
    expect(sdl).toMatch(/ {2}gateway: Gateway![^@]*\n/)
    expect(sdl).toContain('type ReplicaTrace @shareable {')
    expect(sdl).toMatch(/type (Query|Mutation|Subscription) \{/)
    expect(sdl).not.toMatch(/type (Query|Mutation|Subscription|Order) @/)
  })

  test('without a team is Warren alone, and without a query nothing changes', async () => {
    const alone = asSubgraph(coreSchema, { coreSchema, team: undefined })
    const sdl = await serviceSdl(alone)
    expect(sdl).toContain(link)
    expect(sdl).toMatch(/type (Query|Mutation|Subscription) \{/)
    expect(sdl).not.toMatch(/type (Query|Mutation|Subscription) @|(scalar|enum|input|interface|union) \w+ @shareable/)
    expect(alone.getQueryType()?.getFields()['_entities']).toBeUndefined()
    const none = buildSchema('type Mutation { a: Int }')
    expect(asSubgraph(none, { coreSchema, team: undefined })).toBe(none)
  })
})

describe('the entities of a subgraph', () => {
  const sdl = `
      type Query {
        product(sku: ID!): Product! @request(routingKey: "products", entity: true) @allow
        shelf(number: Int!): Shelf @request(routingKey: "shelves", entity: true) @allow
        other(id: ID!): Other @request(routingKey: "others") @allow
      }
      type Product @key(fields: "sku") { sku: ID!  name: String }
      type Shelf @key(fields: "number") { number: Int! }
      type Other @key(fields: "id") { id: ID! }`
  const asked: unknown[] = []
  let inFlight = 0
  let most = 0
  let subgraph: GraphQLSchema
  let query: Readonly<Record<string, GraphQLField<unknown, unknown>>>

  beforeAll(() => {
    const served = subgraphOf({ sdl })
    subgraph = served.subgraph
    const fields = served.schema.schema.getQueryType()?.getFields() ?? {}
    query = subgraph.getQueryType()?.getFields() ?? {}
    for (const name of ['product', 'shelf'] as const) {
      const key = name === 'product' ? 'sku' : 'number'
      const resolve = async (_root: unknown, args: Record<string, unknown>, context: unknown) => {
        asked.push({ ...args, context })
        inFlight += 1
        most = Math.max(most, inFlight)
        await new Promise((done) => setImmediate(done))
        inFlight -= 1
        const value = args[key]
        if (value === 'none') return null
        if (value === 'broken') throw new Error('the responder is away')
        // oxlint-disable-next-line typescript/only-throw-error -- what a resolver may do
        if (value === 'text') throw 'away'
        return new TypedObject(name === 'product' ? 'Product' : 'Shelf', { [key]: value as string, name: 'x' })
      }
      for (const definition of [fields[name], query[name]]) if (definition) definition.resolve = resolve
    }
    for (const type of ['Product', 'Shelf']) {
      const object = subgraph.getType(type)
      if (object && 'getFields' in object)
        for (const field of Object.values(object.getFields()))
          if ('resolve' in field) field.resolve = (value: unknown) => (value as TypedObject).fields[field.name]
    }
  })

  const entities = (representations: unknown) =>
    execute({
      schema: subgraph,
      document: parse(
        'query ($r: [_Any!]!) { _entities(representations: $r) { __typename ... on Product { sku } ... on Shelf { number } } }',
      ),
      variableValues: { r: representations },
      contextValue: 'the context',
    })

  test('are found by their keys, and a missing one is null', async () => {
    expect(
      await entities([
        { __typename: 'Product', sku: 'tea' },
        { __typename: 'Shelf', number: 7, name: 'left' },
        { __typename: 'Product', sku: 'none' },
      ]),
    ).toEqual({
      data: {
        _entities: [{ __typename: 'Product', sku: 'tea' }, { __typename: 'Shelf', number: 7 }, null],
      },
    })
    const context = 'the context'
    expect(asked.splice(0)).toEqual([
      { sku: 'tea', context },
      { number: 7, context },
      { sku: 'none', context },
    ])
    expect(Object.keys(query)).toEqual(['product', 'shelf', 'other', '_service', '_entities'])
    expect(String(query['_entities']?.type)).toBe('[_Entity]!')
    expect(query['_entities']?.description).toContain('A missing one is null.')
    expect(await serviceSdl(subgraph)).toContain('type Other @key(fields: "id", resolvable: false) {')
    expect(await serviceSdl(subgraph)).toContain('type Product @key(fields: "sku") {')
  })

  test.each([
    [{ __typename: 'Other', id: 1 }, 'representations[1].__typename: expected Product or Shelf, got "Other"'],
    [{ sku: 1 }, 'representations[1].__typename: expected Product or Shelf, got undefined'],
    [{ __typename: 7 }, 'representations[1].__typename: expected Product or Shelf, got 7'],
    [{ __typename: 'Product' }, 'representations[1].sku: expected the key of Product'],
    [{ __typename: 'Product', sku: null }, 'representations[1].sku: expected the key of Product'],
    [{ __typename: 'Shelf', number: 'x' }, 'representations[1].number: Int cannot represent non-integer value: "x"'],
    ['tea', 'representations[1]: expected an object with __typename and the key of the type'],
    [['tea'], 'representations[1]: expected an object with __typename and the key of the type'],
    [{ __typename: 'Product', sku: 'broken' }, 'the responder is away'],
    [{ __typename: 'Product', sku: 'text' }, 'away'],
  ])('are each an error of their own: %j', async (representation, message) => {
    const { data, errors } = await entities([{ __typename: 'Product', sku: 'tea' }, representation])
    expect(data?.['_entities']).toEqual([{ __typename: 'Product', sku: 'tea' }, null])
    expect(errors?.map((error) => [error.message, error.path])).toEqual([[message, ['_entities', 1]]])
  })

  test('are asked for ten at a time, in the order of the representations', async () => {
    asked.length = 0
    most = 0
    const numbers = Array.from({ length: 25 }, (_, number) => number)
    const { data } = await entities(numbers.map((number) => ({ __typename: 'Shelf', number })))
    expect(data?.['_entities']).toEqual(numbers.map((number) => ({ __typename: 'Shelf', number })))
    expect(most).toBe(10)
    expect(asked).toHaveLength(25)
  })

  test('are at most 1,000', async () => {
    asked.length = 0
    const many = Array.from({ length: 1_001 }, () => ({ __typename: 'Shelf', number: 1 }))
    const { errors } = await entities(many)
    expect(errors?.[0]?.message).toBe('representations: expected at most 1000, got 1001')
    expect(asked).toEqual([])
    expect((await entities(many.slice(1))).errors).toBeUndefined()
    expect((await entities([])).data).toEqual({ _entities: [] })
  })
})
