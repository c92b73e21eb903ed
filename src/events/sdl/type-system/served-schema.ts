import {
  findBreakingChanges,
  GraphQLBoolean,
  type GraphQLDirective,
  type GraphQLField,
  type GraphQLFieldConfig,
  type GraphQLFieldConfigMap,
  type GraphQLNamedType,
  GraphQLObjectType,
  GraphQLSchema,
  lexicographicSortSchema,
  printSchema,
  specifiedDirectives,
} from 'graphql'
import type { EventSchema } from '../../model/event-schema.ts'
import { type RootName, rootNames } from './declared-types.ts'

/** What the served schema is made of. */
export interface ServedParts {
  /** Warren's own schema; undefined: it is left out. */
  readonly core: GraphQLSchema | undefined
  readonly roots: ReadonlyMap<RootName, readonly GraphQLField<unknown, unknown>[]>
  readonly rootDescriptions: ReadonlyMap<RootName, string>
  readonly types: Iterable<GraphQLNamedType>
  readonly directives: readonly GraphQLDirective[]
  readonly description: string | undefined
}

/** Throws if two types have one name. */
export function makeServedSchema(parts: ServedParts): GraphQLSchema {
  const { core, types, directives, description } = parts
  const config = core?.toConfig()
  const [query, mutation, subscription] = rootNames.map((name) => rootType(name, parts))
  const names: ReadonlySet<string> = new Set(rootNames)
  return new GraphQLSchema({
    description: description ?? config?.description,
    query: query ?? placeholderQuery(),
    mutation,
    subscription,
    types: [...(config?.types.filter(({ name }) => !names.has(name)) ?? []), ...types],
    directives: [...(config?.directives ?? specifiedDirectives), ...directives],
    extensions: config?.extensions,
  })
}

function rootType(
  name: RootName,
  { core, roots, rootDescriptions }: ServedParts,
): GraphQLObjectType<unknown, unknown> | undefined {
  const own = core?.getType(name)
  const config = own instanceof GraphQLObjectType ? own.toConfig() : undefined
  const fields: GraphQLFieldConfigMap<unknown, unknown> = {
    ...config?.fields,
    ...Object.fromEntries((roots.get(name) ?? []).map((field) => [field.name, configOf(field)])),
  }
  if (Object.keys(fields).length === 0) return undefined
  return new GraphQLObjectType({
    name,
    description: rootDescriptions.get(name) ?? config?.description,
    extensions: config?.extensions,
    fields,
  })
}

function configOf({
  args,
  name: _name,
  ...field
}: GraphQLField<unknown, unknown>): GraphQLFieldConfig<unknown, unknown> {
  return { ...field, args: Object.fromEntries(args.map(({ name, ...argument }) => [name, argument])) }
}

/** GraphQL requires a query type, which a team with subscriptions only has no field for. */
function placeholderQuery(): GraphQLObjectType {
  return new GraphQLObjectType({
    name: 'Query',
    fields: {
      _empty: {
        type: GraphQLBoolean,
        description: 'Always null: GraphQL requires a field here, and there is no other.',
      },
    },
  })
}

/** The SDL of everything that is served, as introspection shows it. */
export function printServedSchema({ schema }: Pick<EventSchema, 'schema'>): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`
}

/** What clients of the old schema may no longer do with the new one, one sentence a change. */
export function breakingChanges(old: Pick<EventSchema, 'schema'>, next: Pick<EventSchema, 'schema'>): string[] {
  return findBreakingChanges(old.schema, next.schema).map(({ description }) => description)
}
