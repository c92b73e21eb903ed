import {
  type ConstValueNode,
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField,
  Kind,
  print,
} from 'graphql'
import { type LocatedNode, listed, quoted } from '../mistakes.ts'

/** Reports a mistake at a node. */
export type Report = (node: LocatedNode, message: string) => void

/** What `readLiteral` returns for a literal that it has reported. */
export const unreadable = Symbol('unreadable')

/**
 * Reads the literal of an argument of a directive. Unlike graphql-js it reports each mistake at its
 * place and with what is allowed. `what` names the value in messages.
 */
export function readLiteral(node: ConstValueNode, type: GraphQLInputType, what: string, report: Report): unknown {
  const refuse = () => {
    report(node, `expected ${expectationOf(type)} for ${what}, got ${printed(node)}`)
    return unreadable
  }
  if (isNonNullType(type)) return node.kind === Kind.NULL ? refuse() : readLiteral(node, type.ofType, what, report)
  if (node.kind === Kind.NULL) return null
  if (isListType(type)) {
    const items = node.kind === Kind.LIST ? node.values : [node]
    const values = items.map((item) => readLiteral(item, type.ofType, what, report))
    return values.includes(unreadable) ? unreadable : values
  }
  if (isEnumType(type)) return node.kind === Kind.ENUM && type.getValue(node.value) ? node.value : refuse()
  if (isInputObjectType(type)) {
    if (node.kind !== Kind.OBJECT) return refuse()
    const known = type.getFields()
    const object: Record<string, unknown> = {}
    let readable = true
    for (const field of node.fields) {
      const name = field.name.value
      const definition = Object.hasOwn(known, name) ? known[name] : undefined
      if (definition === undefined) {
        report(field, `unknown field ${quoted(name)} of ${what}: allowed are ${listed(Object.keys(known))}`)
        readable = false
      } else if (Object.hasOwn(object, name)) {
        report(field, `${what} has the field ${quoted(name)} twice`)
        readable = false
      } else {
        object[name] = readLiteral(field.value, definition.type, `${what}.${name}`, report)
        readable &&= object[name] !== unreadable
      }
    }
    for (const field of Object.values(known)) {
      if (!isRequiredInputField(field) || Object.hasOwn(object, field.name)) continue
      report(node, `${what} lacks the field ${quoted(field.name)}, which is required`)
      readable = false
    }
    return readable ? object : unreadable
  }
  switch (type.name) {
    case 'Boolean':
      return node.kind === Kind.BOOLEAN ? node.value : refuse()
    case 'Import':
      // Read with all links, before the other directives.
      return print(node)
    default:
      return node.kind === Kind.STRING ? node.value : refuse()
  }
}

function expectationOf(type: GraphQLInputType): string {
  if (isNonNullType(type)) return expectationOf(type.ofType)
  if (isListType(type)) return `a list of ${expectationOf(type.ofType)}`
  if (isEnumType(type)) {
    return listed(
      type.getValues().map(({ name }) => name),
      'or',
    )
  }
  if (isInputObjectType(type)) return `{${Object.keys(type.getFields()).join(', ')}}`
  return type.name === 'Boolean' ? 'true or false' : 'a string'
}

const maxPrintedLength = 40

function printed(node: ConstValueNode): string {
  const text = print(node).replaceAll(/\s+/g, ' ')
  return text.length > maxPrintedLength ? `${text.slice(0, maxPrintedLength)}…` : text
}
