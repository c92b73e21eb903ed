import {
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isLeafType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import type { TypedValue } from '../model/typed-value.ts'
import { constantMember, memberPrinter, objectPrinter, type Print, type PrintMember, typePrinter } from './printers.ts'

/** The fields of the event's type are level 1. */
const maxLevel = 5

/** What clients without a GraphQL document get: SocketCluster, plain WebSocket and TCP. */
export interface FixedProjection {
  /** Returns the JSON of the value alone in the form of `latin1Of`. */
  print(value: TypedValue): string
  /** As in `Projection`. */
  readonly selectedFields: ReadonlySet<string>
}

/** Decides whether a field is printed; by `@allow`, for example. */
export type SelectField = (typeName: string, fieldName: string) => boolean

/**
 * Selects every field without required arguments down to level 5, and `__typename` in unions and
 * interfaces. A field that would have no fields of its own is left out. Undefined if the schema has
 * no such subscription field, or if nothing is selected.
 */
export function fixedProjection(
  schema: GraphQLSchema,
  fieldName: string,
  select: SelectField = () => true,
): FixedProjection | undefined {
  const field = schema.getSubscriptionType()?.getFields()[fieldName]
  if (!field) return undefined
  const compiler = new FixedCompiler(schema, select)
  const named = getNamedType(field.type)
  if (!isLeafType(named) && !compiler.printerOf(named as GraphQLCompositeType, 1)) return undefined
  const print = typePrinter(field.type, (type) => compiler.printerOf(type, 1) ?? never)
  return { print: (value) => latin1Of(print(value)), selectedFields: compiler.selectedFields }
}

const never = () => {
  throw new Error('a printer of a type without fields')
}

class FixedCompiler {
  readonly selectedFields = new Set<string>()
  readonly #schema: GraphQLSchema
  readonly #select: SelectField
  readonly #printers = new Map<string, Print | undefined>()

  constructor(schema: GraphQLSchema, select: SelectField) {
    this.#schema = schema
    this.#select = select
  }

  /** `level` is that of the type's fields. Undefined if no field is selected. */
  printerOf(type: GraphQLCompositeType, level: number): Print | undefined {
    const key = `${type.name} ${level}`
    if (!this.#printers.has(key)) this.#printers.set(key, level > maxLevel ? undefined : this.#compile(type, level))
    return this.#printers.get(key)
  }

  #compile(type: GraphQLCompositeType, level: number): Print | undefined {
    if (!isObjectType(type)) {
      const types = this.#schema.getPossibleTypes(type)
      return objectPrinter(new Map(types.map((one) => [one.name, this.#membersOf(one, level, true)])))
    }
    const members = this.#membersOf(type, level, false)
    return members.length === 0 ? undefined : objectPrinter(new Map([[type.name, members]]))
  }

  #membersOf(type: GraphQLObjectType, level: number, withName: boolean): PrintMember[] {
    const members: PrintMember[] = withName ? [constantMember('__typename', 0, type.name)] : []
    for (const { name, type: fieldType, args } of Object.values(type.getFields())) {
      if (args.some(isRequiredArgument) || !this.#select(type.name, name)) continue
      const named = getNamedType(fieldType)
      const inner = isLeafType(named) ? never : this.printerOf(named as GraphQLCompositeType, level + 1)
      if (!inner) continue
      this.selectedFields.add(`${type.name}.${name}`)
      members.push(
        memberPrinter(
          name,
          members.length,
          name,
          typePrinter(fieldType, () => inner),
        ),
      )
    }
    return members
  }
}
