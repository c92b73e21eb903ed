import {
  type GraphQLField,
  type GraphQLInterfaceType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLUnionType,
  getNamedType,
  isInterfaceType,
  isObjectType,
  isUnionType,
} from 'graphql'

/** A field of a type that values of another type contain, at any depth. */
export interface ReachedField {
  readonly owner: GraphQLObjectType
  readonly field: GraphQLField<unknown, unknown>
}

/** What values of a type can contain. */
export interface Reach {
  readonly fields: readonly ReachedField[]
  readonly abstractTypes: readonly (GraphQLUnionType | GraphQLInterfaceType)[]
  readonly objects: ReadonlySet<GraphQLObjectType>
}

/** Finds what values of types contain. */
export class TypeReach {
  readonly #implementations = new Map<string, GraphQLObjectType[]>()
  readonly #known = new Map<GraphQLNamedType, Reach>()

  /** `types`: of the team. */
  constructor(types: Iterable<GraphQLNamedType>) {
    for (const type of types) {
      if (!isObjectType(type)) continue
      for (const { name } of type.getInterfaces()) {
        const others = this.#implementations.get(name)
        if (others) others.push(type)
        else this.#implementations.set(name, [type])
      }
    }
  }

  /** The object types that a union or interface stands for. */
  membersOf(type: GraphQLUnionType | GraphQLInterfaceType): readonly GraphQLObjectType[] {
    return isUnionType(type) ? type.getTypes() : (this.#implementations.get(type.name) ?? [])
  }

  from(type: GraphQLOutputType): Reach {
    const root = getNamedType(type)
    const known = this.#known.get(root)
    if (known) return known
    const fields: ReachedField[] = []
    const abstractTypes = new Set<GraphQLUnionType | GraphQLInterfaceType>()
    const objects = new Set<GraphQLObjectType>()
    const open: GraphQLNamedType[] = [root]
    for (let next = open.pop(); next; next = open.pop()) {
      if (isUnionType(next) || isInterfaceType(next)) {
        if (abstractTypes.has(next)) continue
        abstractTypes.add(next)
        open.push(...this.membersOf(next))
      } else if (isObjectType(next) && !objects.has(next)) {
        objects.add(next)
        for (const field of Object.values(next.getFields())) {
          fields.push({ owner: next, field })
          open.push(getNamedType(field.type))
        }
      }
    }
    const reach: Reach = { fields, abstractTypes: [...abstractTypes], objects }
    this.#known.set(root, reach)
    return reach
  }
}
