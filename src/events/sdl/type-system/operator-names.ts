import {
  type GraphQLField,
  type GraphQLNamedType,
  GraphQLObjectType,
  GraphQLSchema,
  getNamedType,
  isAbstractType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isUnionType,
} from 'graphql'
import { type RootName, rootNames } from './declared-types.ts'

type Field = GraphQLField<unknown, unknown>

/** Names of Warren's own schema by which a team's declarations are checked. */
export interface CoreNames {
  readonly types: ReadonlySet<string>
  readonly fields: ReadonlyMap<RootName, ReadonlySet<string>>
}

/** A root field of the operator API that is left out of the schema for clients. */
export interface DisplacedField {
  readonly root: RootName
  readonly name: string
}

/** What the team's names displace. `by`: those names, as `Query.messages` or `the type Replica`. */
export interface Displaced {
  readonly fields: readonly DisplacedField[]
  readonly by: readonly { readonly written: string; readonly node: Field['astNode'] | GraphQLNamedType['astNode'] }[]
}

/** By the extension `operatorsOnly` (`graphql/operators-only.ts`). */
export function isForOperators({ extensions }: Pick<Field, 'extensions'>): boolean {
  return extensions['operatorsOnly'] === true
}

/**
 * The names that a team cannot use: those of clients' root fields, and of the types in them. The
 * names of the operator API are not among them, because its fields give way.
 */
export function reservedNames(core: GraphQLSchema): CoreNames {
  const clientFields = rootNames.flatMap((root) => fieldsOf(core, root).filter((field) => !isForOperators(field)))
  const builtIn = Object.values(core.getTypeMap()).filter((type) => isIntrospectionType(type))
  const types = [...typesIn(clientFields, core), ...builtIn].map(({ name }) => name)
  const fieldNames = (root: RootName) =>
    fieldsOf(core, root)
      .filter((field) => !isForOperators(field))
      .map(({ name }) => name)
  return {
    types: new Set([...types, ...rootNames]),
    fields: new Map(rootNames.map((root) => [root, new Set(fieldNames(root))])),
  }
}

/**
 * The fields of the operator API that cannot be served beside the team's: those with the name of a
 * team's field, and those with a type in their answer or arguments that has the name of a team's.
 */
export function displacedFields(
  core: GraphQLSchema,
  team: { readonly roots: ReadonlyMap<RootName, readonly Field[]>; readonly types: Iterable<GraphQLNamedType> },
): Displaced {
  const types = new Set([...team.types, ...typesIn([...team.roots.values()].flat())])
  const taken = new Map([...types].filter(isOtherThanIn(core)).map((type) => [type.name, type]))
  const fields: DisplacedField[] = []
  const by = new Map<string, Displaced['by'][number]>()
  for (const root of rootNames) {
    for (const field of fieldsOf(core, root).filter(isForOperators)) {
      const { name } = field
      const sameName = team.roots.get(root)?.find((one) => one.name === name)
      const sameTypes = typesIn([field], core).flatMap((type) => taken.get(type.name) ?? [])
      if (sameName) by.set(`${root}.${name}`, { written: `${root}.${name}`, node: sameName.astNode })
      for (const type of sameTypes) by.set(type.name, { written: `the type ${type.name}`, node: type.astNode })
      if (sameName || sameTypes.length > 0) fields.push({ root, name })
    }
  }
  return { fields, by: [...by.values()] }
}

/** Warren's own schema without these fields, and without the types that only they need. */
export function withoutFields(core: GraphQLSchema, displaced: readonly DisplacedField[]): GraphQLSchema {
  if (displaced.length === 0) return core
  const [query, mutation, subscription] = rootNames.map((root) => {
    const type = core.getType(root)
    if (!isObjectType(type)) return undefined
    const config = type.toConfig()
    const left = Object.entries(config.fields).filter(
      ([name]) => !displaced.some((one) => one.root === root && one.name === name),
    )
    return left.length === 0 ? undefined : new GraphQLObjectType({ ...config, fields: Object.fromEntries(left) })
  })
  return new GraphQLSchema({ ...core.toConfig(), query, mutation, subscription, types: [] })
}

/**
 * The schema for operators: Warren's own, whole, and of the team's fields those with names that do
 * not collide with it. `served`: the schema for clients, with resolvers, made of types of `core`.
 */
export function schemaForOperators(served: GraphQLSchema, core: GraphQLSchema): GraphQLSchema {
  const fits = (field: Field) => !typesIn([field], served).some(isOtherThanIn(core))
  const [query, mutation, subscription] = rootNames.map((root) => {
    const own = core.getType(root)
    const config = isObjectType(own) ? own.toConfig() : undefined
    const names = new Set(
      fieldsOf(served, root)
        .filter(fits)
        .map(({ name }) => name),
    )
    const type = served.getType(root)
    const given = isObjectType(type) ? type.toConfig().fields : {}
    const added = Object.entries(given).filter(([name]) => names.has(name) && config?.fields[name] === undefined)
    const fields = { ...config?.fields, ...Object.fromEntries(added) }
    return Object.keys(fields).length === 0 ? undefined : new GraphQLObjectType({ ...config, name: root, fields })
  })
  const { types, ...config } = served.toConfig()
  const possible = types.filter((type) => isObjectType(type) && !isRoot(type) && fits(asField(type)))
  return new GraphQLSchema({ ...config, query, mutation, subscription, types: possible })
}

/** Whether `core` has another type of the same name. */
function isOtherThanIn(core: GraphQLSchema): (type: GraphQLNamedType) => boolean {
  return (type) => {
    const own = core.getType(type.name)
    return own !== undefined && own !== type
  }
}

function isRoot({ name }: GraphQLNamedType): boolean {
  return rootNames.some((root) => root === name)
}

function asField(type: GraphQLObjectType): Field {
  return { name: type.name, type, args: [], extensions: {} } as unknown as Field
}

function fieldsOf(schema: GraphQLSchema, root: RootName): Field[] {
  const type = schema.getType(root)
  return isObjectType(type) ? Object.values(type.getFields()) : []
}

/** All types in the answers and arguments of the fields. `schema`: for members of interfaces. */
function typesIn(fields: Iterable<Field>, schema?: GraphQLSchema): GraphQLNamedType[] {
  const found = new Set<GraphQLNamedType>()
  const open: GraphQLNamedType[] = []
  const meet = (type: GraphQLNamedType): void => {
    if (found.has(type)) return
    found.add(type)
    open.push(type)
  }
  const meetField = ({ type, args }: Field): void => {
    meet(getNamedType(type))
    for (const argument of args) meet(getNamedType(argument.type))
  }
  for (const field of fields) meetField(field)
  for (let type = open.pop(); type; type = open.pop()) {
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) meetField(field)
      for (const one of type.getInterfaces()) meet(one)
    }
    if (isUnionType(type)) for (const member of type.getTypes()) meet(member)
    if (isAbstractType(type) && schema) for (const member of schema.getPossibleTypes(type)) meet(member)
    if (isInputObjectType(type))
      for (const { type: member } of Object.values(type.getFields())) meet(getNamedType(member))
  }
  return [...found]
}
