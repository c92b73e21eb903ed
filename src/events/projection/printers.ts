import {
  type GraphQLCompositeType,
  type GraphQLLeafType,
  type GraphQLOutputType,
  isEnumType,
  isLeafType,
  isListType,
  isNonNullType,
} from 'graphql'
import { printJson } from '../../core/json/print-json.ts'
import { JsonScalar, TypedObject, type TypedValue } from '../model/typed-value.ts'

/** Prints a value as JSON. */
export type Print = (value: TypedValue) => string

/** Prints one field of an object: the comma or the brace before it, its key and its value. */
export type PrintMember = (fields: TypedObject['fields']) => string

/**
 * The printer of a type. `composite` makes the one of a named type with fields. A printer throws
 * for a value that validation by the same schema never makes.
 */
export function typePrinter(type: GraphQLOutputType, composite: (type: GraphQLCompositeType) => Print): Print {
  if (isNonNullType(type)) return presentPrinter(type.ofType, composite)
  const print = presentPrinter(type, composite)
  return (value) => (value === null ? 'null' : print(value))
}

function presentPrinter(type: GraphQLOutputType, composite: (type: GraphQLCompositeType) => Print): Print {
  if (isListType(type)) return listPrinter(typePrinter(type.ofType, composite))
  return isLeafType(type) ? leafPrinter(type) : composite(type as GraphQLCompositeType)
}

function listPrinter(print: Print): Print {
  return (value) => {
    if (!Array.isArray(value)) throw unexpected('an array', value)
    const items: readonly TypedValue[] = value
    let text = '['
    for (let index = 0; index < items.length; index += 1) {
      if (index > 0) text += ','
      text += print(items[index] as TypedValue)
    }
    return `${text}]`
  }
}

/** Prints objects of each possible type by its members. */
export function objectPrinter(membersOf: ReadonlyMap<string, readonly PrintMember[]>): Print {
  const [only] = membersOf
  if (only && membersOf.size === 1) {
    const [name, members] = only
    return (value) => {
      if (!(value instanceof TypedObject) || value.typeName !== name) throw unexpected(name, value)
      return printMembers(members, value)
    }
  }
  return (value) => {
    const members = value instanceof TypedObject ? membersOf.get(value.typeName) : undefined
    if (!members) throw unexpected([...membersOf.keys()].join(' or '), value)
    return printMembers(members, value as TypedObject)
  }
}

function printMembers(members: readonly PrintMember[], { fields }: TypedObject): string {
  if (members.length === 0) return '{}'
  let text = ''
  for (let index = 0; index < members.length; index += 1) text += (members[index] as PrintMember)(fields)
  return `${text}}`
}

/** `index`: how many members come before it. */
export function memberPrinter(key: string, index: number, name: string, print: Print): PrintMember {
  const prefix = memberPrefix(key, index)
  return (fields) => prefix + print(fields[name] as TypedValue)
}

/** A member with the same value in every object: `__typename`. */
export function constantMember(key: string, index: number, value: string): PrintMember {
  const text = memberPrefix(key, index) + JSON.stringify(value)
  return () => text
}

function memberPrefix(key: string, index: number): string {
  return `${index === 0 ? '{' : ','}${JSON.stringify(key)}:`
}

function leafPrinter(type: GraphQLLeafType): Print {
  if (isEnumType(type)) {
    const texts = new Map(type.getValues().map(({ name }) => [name, `"${name}"`]))
    return (value) => {
      const text = texts.get(value as string)
      if (text === undefined) throw unexpected(type.name, value)
      return text
    }
  }
  return printLeaf
}

/** The kind of the value decides, because validation has made it by the type. */
function printLeaf(value: TypedValue): string {
  switch (typeof value) {
    case 'string':
      return isPlain.test(value) ? `"${value}"` : JSON.stringify(value)
    case 'number':
      // Finite; the same text as `JSON.stringify` makes.
      return String(value)
    case 'boolean':
      return value ? 'true' : 'false'
    default: {
      const text = value instanceof JsonScalar ? printJson(value.value) : undefined
      if (text === undefined) throw unexpected('a leaf value', value)
      return text
    }
  }
}

/** Printable ASCII without the quote and the backslash: `JSON.stringify` escapes none of it. */
const isPlain = /^[ !#-[\]-~]*$/

function unexpected(expected: string, value: TypedValue): Error {
  const got = value instanceof TypedObject ? value.typeName : value === null ? 'null' : typeof value
  return new Error(`a typed value does not fit the schema: expected ${expected}, got ${got}`)
}
