import {
  coerceInputValue,
  type GraphQLField,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  GraphQLUnionType,
  getNullableType,
  isObjectType,
} from 'graphql'
import { badInput } from '../../errors.ts'
import type { EventSchema } from '../model/event-schema.ts'
import { typedTypeResolver } from '../projection/typed-resolvers.ts'
import type { FederationMarks } from '../sdl/directives/federation.ts'
import { isForOperators } from '../sdl/type-system/operator-names.ts'
import { printSubgraph } from './subgraph-sdl.ts'

/** How many entities a router may ask for in one `_entities`. */
const maxRepresentations = 1_000

export interface SubgraphParts {
  /** Warren's own schema, of which the schema has the types. */
  readonly coreSchema: GraphQLSchema
  /** Undefined without `WARREN_SCHEMA`. */
  readonly team: { readonly schema: EventSchema; readonly marks: FederationMarks } | undefined
}

/**
 * The schema as a subgraph, by the subgraph specification of Apollo Federation 2: with `_service`,
 * and with `_entities` if a field with `@request(entity: true)` resolves a type. All other types
 * are those of `schema`.
 */
export function asSubgraph(schema: GraphQLSchema, { coreSchema, team }: SubgraphParts): GraphQLSchema {
  const query = schema.getQueryType()
  if (!query) return schema
  const resolvers = entityResolvers(schema, team?.schema)
  const sdl = printSubgraph(schema, {
    marks: team?.marks.uses ?? [],
    valueTypes: valueTypesOf(schema, coreSchema),
    inaccessible: operatorFieldsOf(schema),
    entityTypes: new Set(resolvers.keys()),
  })
  const fields: GraphQLFieldConfigMap<unknown, unknown> = { ...query.toConfig().fields, _service: serviceField(sdl) }
  if (resolvers.size > 0) fields['_entities'] = entitiesField(schema, resolvers)
  const config = schema.toConfig()
  return new GraphQLSchema({
    ...config,
    query: new GraphQLObjectType({ ...query.toConfig(), fields }),
    types: config.types.filter((type) => type !== query),
  })
}

/** The object types of Warren, but for the roots. Two gateways in one supergraph both have them. */
function valueTypesOf(schema: GraphQLSchema, core: GraphQLSchema): ReadonlySet<string> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].map(
    (type) => type?.name,
  )
  const types = Object.values(schema.getTypeMap()).filter(
    (type) => isObjectType(type) && !type.name.startsWith('__') && !roots.includes(type.name),
  )
  const own = new Set(['EventGap', 'Published'])
  return new Set(types.filter((type) => core.getType(type.name) === type || own.has(type.name)).map(({ name }) => name))
}

function operatorFieldsOf(schema: GraphQLSchema): ReadonlySet<string> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]
  return new Set(
    roots.flatMap((root) =>
      Object.values(root?.getFields() ?? {})
        .filter(isForOperators)
        .map(({ name }) => `${root?.name}.${name}`),
    ),
  )
}

function serviceField(sdl: string): GraphQLFieldConfig<unknown, unknown> {
  const service = new GraphQLObjectType({
    name: '_Service',
    fields: { sdl: { type: new GraphQLNonNull(GraphQLString), resolve: () => sdl } },
  })
  return { type: new GraphQLNonNull(service), description: 'The SDL of this subgraph.', resolve: () => ({}) }
}

interface EntityResolver {
  readonly field: GraphQLField<unknown, unknown>
  /** The argument of the field, which is the key of the type. */
  readonly key: string
}

/** By the name of the type. */
function entityResolvers(schema: GraphQLSchema, team: EventSchema | undefined): ReadonlyMap<string, EntityResolver> {
  const resolvers = new Map<string, EntityResolver>()
  for (const { name, entity, arguments: args } of team?.requests.values() ?? []) {
    const field = entity ? schema.getQueryType()?.getFields()[name] : undefined
    const type = field && getNullableType(field.type)
    const [key] = args.keys()
    if (field && key !== undefined && isObjectType(type)) resolvers.set(type.name, { field, key })
  }
  return resolvers
}

function entitiesField(
  schema: GraphQLSchema,
  resolvers: ReadonlyMap<string, EntityResolver>,
): GraphQLFieldConfig<unknown, unknown> {
  const any = new GraphQLScalarType({ name: '_Any' })
  const entity = new GraphQLUnionType({
    name: '_Entity',
    types: [...resolvers.keys()].map((name) => schema.getType(name)).filter((type) => isObjectType(type)),
    resolveType: typedTypeResolver,
  })
  return {
    type: new GraphQLNonNull(new GraphQLList(entity)),
    description: 'The entities that a router asks for, by their keys. A missing one is null.',
    args: { representations: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(any))) } },
    resolve: (root, { representations }: { representations?: readonly unknown[] }, context, info) => {
      if (!representations || representations.length > maxRepresentations) {
        const count = representations?.length ?? 0
        throw badInput('representations', `expected at most ${maxRepresentations}, got ${count}`)
      }
      return inLanes(representations, async (representation, index) => {
        const path = `representations[${index}]`
        const { __typename: name, ...values } = recordOf(representation, path)
        const resolver = typeof name === 'string' ? resolvers.get(name) : undefined
        if (!resolver) {
          const expected = [...resolvers.keys()].join(' or ')
          throw badInput(`${path}.__typename`, `expected ${expected}, got ${JSON.stringify(name)}`)
        }
        const { field, key } = resolver
        if (values[key] === undefined || values[key] === null)
          throw badInput(`${path}.${key}`, `expected the key of ${String(name)}`)
        const argument = field.args.find((one) => one.name === key)
        if (!argument) return null
        const value: unknown = coerceInputValue(values[key], argument.type, (_path, _value, error) => {
          throw badInput(`${path}.${key}`, error.message)
        })
        return field.resolve?.(root, { [key]: value }, context, info)
      })
    },
  }
}

/** A caller may have few requests in flight at once, and a router asks for many entities. */
const lanes = 10

/** Calls `run` for each item, ten at a time. An item that fails has its error as its result. */
async function inLanes<Item>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<unknown>,
): Promise<unknown[]> {
  const results: unknown[] = []
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next
      next += 1
      results[index] = await run(items[index] as Item, index).catch((error: unknown) =>
        error instanceof Error ? error : new Error(String(error)),
      )
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return results
}

function recordOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw badInput(path, 'expected an object with __typename and the key of the type')
}
