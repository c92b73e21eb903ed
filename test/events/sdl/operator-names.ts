import { type GraphQLSchema, isIntrospectionType, isObjectType, isSpecifiedScalarType } from 'graphql'
import { isForOperators, reservedNames } from '../../../src/events/sdl/type-system/operator-names.ts'
import { schema as coreSchema } from '../../../src/graphql/schema.ts'

const roots = ['Query', 'Mutation', 'Subscription'] as const
type Root = (typeof roots)[number]

export function fieldNames(schema: GraphQLSchema, root: Root): string[] {
  const type = schema.getType(root)
  return isObjectType(type) ? Object.keys(type.getFields()) : []
}

export function operatorFields(schema: GraphQLSchema): { root: Root; name: string }[] {
  return roots.flatMap((root) => {
    const type = schema.getType(root)
    const fields = isObjectType(type) ? Object.values(type.getFields()) : []
    return fields.filter((field) => isForOperators(field)).map(({ name }) => ({ root, name }))
  })
}

const uses: Readonly<Record<Root, string>> = {
  Query: 'ID @request(routingKey: "ask")',
  Mutation: 'Published! @publish(exchange: "shop", routingKey: "told")',
  Subscription: 'Parcel @events(exchange: "shop", routingKey: "parcel.#")',
}

/** The SDL of a team that has taken every name of the operator API, and the field `parcelMoved`. */
export function everyOperatorName(): string {
  const fields = (root: Root) =>
    operatorFields(coreSchema)
      .filter((field) => field.root === root)
      .map(({ name }) => `  ${name}: ${uses[root]}`)
  const reserved = reservedNames(coreSchema).types
  const types = Object.values(coreSchema.getTypeMap()).filter(
    (type) => !reserved.has(type.name) && !isSpecifiedScalarType(type) && !isIntrospectionType(type),
  )
  return [
    ...roots.map((root) => `type ${root} {\n${fields(root).join('\n')}\n}`),
    'extend type Subscription { parcelMoved: Parcel @events(exchange: "shop", routingKey: "parcel.#") }',
    'type Parcel { id: ID! }',
    ...types.map(({ name }) => `type ${name} { shelf: Int }`),
  ].join('\n')
}
