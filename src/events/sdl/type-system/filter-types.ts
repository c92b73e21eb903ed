import {
  GraphQLBoolean,
  GraphQLInputObjectType,
  type GraphQLInputType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  type GraphQLOutputType,
  GraphQLString,
  getNamedType,
  isEnumType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isUnionType,
} from 'graphql'
import type { SdlContext } from '../context.ts'
import type { TypeMappings } from '../mappings/object-mappings.ts'
import type { TypeReach } from '../mappings/reach.ts'
import { type LocatedNode, listed } from '../mistakes.ts'
import { isUnresolved } from './type-builder.ts'

const ordered = ['Int', 'BigInt', 'Decimal', 'Float', 'DateTime']
const compared = ['ID', 'String', 'Boolean', 'UUID', 'Date', ...ordered]
const prefixed = ['ID', 'String']
const operators = ['and', 'or', 'not', 'exists']

interface FilterableField {
  readonly name: string
  readonly type: GraphQLOutputType
  readonly node: LocatedNode
}

/** The parts that filter types are made of. */
export interface FilterParts {
  readonly context: SdlContext
  readonly mappings: TypeMappings
  readonly reach: TypeReach
  /** Of the team. */
  readonly types: readonly GraphQLNamedType[]
  /** Types of the files and of Warren, by name. */
  readonly isTaken: (name: string) => boolean
}

/** Makes `<Type>Filter` for types with `@filterable` fields, each once. */
export class FilterTypes {
  readonly #parts: FilterParts
  readonly #made = new Map<string, GraphQLInputObjectType>()
  #filterable: ReadonlySet<string> | undefined

  constructor(parts: FilterParts) {
    this.#parts = parts
  }

  /** Undefined: nothing of the type can be filtered by. */
  of(type: GraphQLOutputType): GraphQLInputObjectType | undefined {
    const named = getNamedType(type)
    return this.#isFilterable(named) ? this.#filterOf(named) : undefined
  }

  /** Reports marks that no filter can use. */
  check(): void {
    const { mistakes, uses } = this.#parts.context
    for (const type of this.#parts.types) {
      if (!isObjectType(type)) continue
      for (const field of Object.values(type.getFields())) {
        const [use] = uses.of(field.astNode, 'filterable')
        const named = getNamedType(field.type)
        if (!use || isUnresolved(field.type)) continue
        if (operators.includes(field.name)) {
          mistakes.error(
            use.node,
            `a filter uses the name ${field.name} itself (${listed(operators)}), so ${type.name}.${field.name} cannot be @filterable`,
          )
        } else if (isScalarType(named) || isEnumType(named)) {
          if (isEnumType(named) || compared.includes(named.name)) continue
          mistakes.error(
            use.node,
            `${type.name}.${field.name} has the type ${String(field.type)}, which cannot be filtered by: allowed are ${listed(compared)} and enums`,
          )
        } else if (!this.#isFilterable(named)) {
          mistakes.error(use.node, `nothing in ${named.name} is @filterable: mark its fields`)
        }
      }
    }
  }

  #isFilterable(type: GraphQLNamedType): boolean {
    this.#filterable ??= this.#findFilterable()
    return this.#filterable.has(type.name)
  }

  /** The types that have marks, and all types that contain them. */
  #findFilterable(): ReadonlySet<string> {
    const { mappings, reach, types } = this.#parts
    const containers = new Map<string, string[]>()
    const contain = (inner: string, outer: string) => {
      const others = containers.get(inner)
      if (others) others.push(outer)
      else containers.set(inner, [outer])
    }
    for (const type of types) {
      if (isObjectType(type)) {
        for (const field of Object.values(type.getFields())) contain(getNamedType(field.type).name, type.name)
      } else if (isUnionType(type) || isInterfaceType(type)) {
        for (const { name } of reach.membersOf(type)) contain(name, type.name)
      }
    }
    const open = [...mappings.objects].flatMap(([name, fields]) =>
      [...fields.values()].some(({ filterable }) => filterable) ? name : [],
    )
    const found = new Set<string>()
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      if (found.has(name)) continue
      found.add(name)
      open.push(...(containers.get(name) ?? []))
    }
    return found
  }

  #filterOf(type: GraphQLNamedType): GraphQLInputObjectType {
    const known = this.#made.get(type.name)
    if (known) return known
    const filter: GraphQLInputObjectType = new GraphQLInputObjectType({
      name: this.#nameOf(type),
      fields: () => ({
        ...Object.fromEntries(
          this.#fieldsOf(type).flatMap(({ name, type: fieldType }) => {
            const named = getNamedType(fieldType)
            const isLeaf = isScalarType(named) || isEnumType(named)
            const inner = isLeaf ? this.#leafFilterOf(named) : this.#filterOf(named)
            return [[name, { type: inner }]]
          }),
        ),
        and: { type: new GraphQLList(new GraphQLNonNull(filter)) },
        or: { type: new GraphQLList(new GraphQLNonNull(filter)) },
        not: { type: filter },
        exists: { type: GraphQLBoolean },
      }),
    })
    this.#made.set(type.name, filter)
    return filter
  }

  #leafFilterOf(type: GraphQLInputType & GraphQLNamedType): GraphQLInputObjectType {
    const known = this.#made.get(type.name)
    if (known) return known
    const list = new GraphQLList(new GraphQLNonNull(type))
    const fields: Record<string, { type: GraphQLInputType }> = {
      eq: { type },
      ne: { type },
      in: { type: list },
    }
    if (ordered.includes(type.name)) for (const name of ['lt', 'lte', 'gt', 'gte']) fields[name] = { type }
    if (prefixed.includes(type.name)) fields['startsWith'] = { type: GraphQLString }
    fields['exists'] = { type: GraphQLBoolean }
    const filter = new GraphQLInputObjectType({ name: this.#nameOf(type), fields })
    this.#made.set(type.name, filter)
    return filter
  }

  #nameOf(type: GraphQLNamedType): string {
    const name = `${type.name}Filter`
    if (this.#parts.isTaken(name)) {
      this.#parts.context.mistakes.error(
        type.astNode ?? {},
        `the filter of ${type.name} needs the name ${name}, which another type has: rename that type`,
      )
    }
    return name
  }

  /** What a filter of the type can name. Of a union: what any of its members has. */
  #fieldsOf(type: GraphQLNamedType): FilterableField[] {
    const { mappings, reach, context } = this.#parts
    const members =
      isUnionType(type) || isInterfaceType(type) ? reach.membersOf(type) : isObjectType(type) ? [type] : []
    const byName = new Map<string, FilterableField>()
    for (const member of members) {
      for (const field of Object.values(member.getFields())) {
        const named = getNamedType(field.type)
        const isLeaf = isScalarType(named) || isEnumType(named)
        const isMarked = mappings.objects.get(member.name)?.get(field.name)?.filterable ?? false
        if (isUnresolved(field.type) || operators.includes(field.name)) continue
        if (isLeaf ? !isMarked : !this.#isFilterable(named)) continue
        const first = byName.get(field.name)
        if (first && getNamedType(first.type) !== named) {
          context.mistakes.error(
            field.astNode ?? {},
            `members of ${type.name} have filterable fields "${field.name}" of the types ${String(first.type)} and ${String(field.type)}: a filter needs one type`,
          )
        } else if (!first) {
          byName.set(field.name, { name: field.name, type: field.type, node: field.astNode ?? {} })
        }
      }
    }
    return [...byName.values()]
  }
}
