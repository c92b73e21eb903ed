import { describe, expect, test } from '@jest/globals'
import { printSchema } from 'graphql'
import { printedMistakes, schemaOf } from './reading.ts'

const rename =
  'extend schema @link(url: "https://example.com/warren/v1.0", import: [{name: "@match", as: "@eventMatch"}, "@from"])'

describe('@link', () => {
  test('renames a directive, so that the files can have their own of that name', () => {
    const { schema } = schemaOf([
      rename,
      `directive @match(field: String!) on FIELD_DEFINITION | ARGUMENT_DEFINITION
       type Subscription { order(id: ID @eventMatch(body: "/a/id") @match(field: "x")): Order @events(exchange: "a") }
       type Order { id: ID! @from(body: "/x") @match(field: "y") }`,
    ])
    expect(schema.events.get('order')?.conditions[0]?.place).toEqual({ kind: 'body', pointer: ['a', 'id'] })
    expect(schema.objects.get('Order')?.get('id')?.place).toEqual({ kind: 'body', pointer: ['x'] })
    expect(schema.schema.getDirective('match')?.args[0]?.name).toBe('field')
    expect(schema.schema.getDirective('eventMatch')).toBeUndefined()
  })

  test('accepts the definition of a directive under its new name', () => {
    const definition =
      'directive @eventMatch(body: String, envelope: String, header: String, word: String, property: MessageProperty) on ARGUMENT_DEFINITION'
    expect(printedMistakes([rename, definition])).toEqual([])
    expect(printedMistakes([rename, 'directive @eventMatch(body: String) on ARGUMENT_DEFINITION'])).toHaveLength(1)
  })

  test('gives all directives a prefix too', () => {
    const { schema } = schemaOf(
      `extend schema @link(url: "https://example.com/warren/v1.0", as: "w")
       type Query { order: ID @w__request(routingKey: "a") @warren__allow(anonymous: true) }`,
    )
    expect(schema.requests.get('Query.order')?.access.allow).toEqual([{ scopes: [], anonymous: true }])
  })

  test('renames directives of federation, which stay beside the schema', () => {
    const { schema, federation } = schemaOf(
      `extend schema
         @link(url: "https://specs.apollo.dev/link/v1.0")
         @link(url: "https://specs.apollo.dev/federation/v2.3", as: "fed", import: [{name: "@key", as: "@primaryKey"}, "@tag", "FieldSet"])
       directive @primaryKey(fields: FieldSet!) repeatable on OBJECT
       scalar FieldSet
       scalar link__Import
       type Order @primaryKey(fields: "id by { id }") @fed__shareable { id: ID! @tag(name: "a") by: By }
       type Stub @primaryKey(fields: "id", resolvable: false) { id: ID! @federation__external }
       type By { id(format: String @tag(name: "b")): ID @inaccessible }
       enum Status { A @tag(name: "c") }`,
    )
    expect(federation.links.map(({ url, namespace }) => [url, namespace])).toEqual([
      ['https://specs.apollo.dev/link/v1.0', undefined],
      ['https://specs.apollo.dev/federation/v2.3', 'fed'],
    ])
    expect([...(federation.links[1]?.imports ?? [])]).toEqual([
      ['@key', '@primaryKey'],
      ['@tag', '@tag'],
      ['FieldSet', 'FieldSet'],
    ])
    expect(federation.uses.map(({ coordinate, name }) => `${coordinate} ${name}`)).toEqual([
      'Order key',
      'Order shareable',
      'Order.id tag',
      'Stub key',
      'Stub.id external',
      'By.id inaccessible',
      'By.id(format:) tag',
      'Status.A tag',
    ])
    expect(federation.uses[3]?.args).toEqual({ fields: 'id', resolvable: false })
    expect(printSchema(schema.schema)).not.toMatch(/FieldSet|link__/)
  })
})

test('the types in the directives of Warren leave their names to the files', () => {
  const { schema } = schemaOf(
    `type Subscription { place: Place @events(exchange: "a", typeFrom: {header: "kind"}) }
     type Place @eventType(name: "a") { id: ID! header: HeaderValue naming: Naming }
     type HeaderValue { a: ID } enum Naming { A } scalar OnGap`,
  )
  expect(schema.objects.get('Place')?.has('header')).toBe(true)
})

test('fields of root types can be in several files', () => {
  const { schema } = schemaOf([
    'type Query { a: ID @request(routingKey: "a") }',
    'extend type Query { b: ID @request(routingKey: "b") }',
    'type Query { c: ID @request(routingKey: "c") }',
  ])
  expect([...schema.requests.keys()]).toEqual(['Query.a', 'Query.c', 'Query.b'])
})
