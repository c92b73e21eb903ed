import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getArgumentValues,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  type SelectionSetNode,
  visit,
} from 'graphql'
import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { Context } from '../context.ts'

/** What resolvers below a feed may read: it is the same for all callers. */
export type FeedContext = Pick<Context, 'gateway' | 'inspection'>

/**
 * Returns the JSON of a value, in the form of `latin1Of`. Throws if graphql-js has to execute the
 * operation.
 */
export type PrintValue = (value: unknown) => string
export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

export interface Compiling {
  readonly fragments: Fragments
  /** What resolvers get. Undefined: nothing. */
  readonly context: FeedContext | undefined
}

/**
 * Collects fields by response key, in response order (GraphQL specification §6.3.2). Undefined if
 * the selection cannot be compiled.
 */
export function collect(
  sets: readonly SelectionSetNode[],
  type: GraphQLObjectType,
  fragments: Fragments,
): Map<string, FieldNode[]> | undefined {
  const fields = new Map<string, FieldNode[]>()
  const visited = new Set<string>()
  const walk = ({ selections }: SelectionSetNode): boolean =>
    selections.every((selection) => {
      if (selection.directives?.length) return false
      switch (selection.kind) {
        case Kind.FIELD: {
          const key = selection.alias?.value ?? selection.name.value
          const nodes = fields.get(key)
          if (nodes) nodes.push(selection)
          else fields.set(key, [selection])
          return true
        }
        case Kind.INLINE_FRAGMENT: {
          const condition = selection.typeCondition?.name.value
          return (condition === undefined || condition === type.name) && walk(selection.selectionSet)
        }
        case Kind.FRAGMENT_SPREAD: {
          const name = selection.name.value
          if (visited.has(name)) return true
          visited.add(name)
          const fragment = fragments.get(name)
          if (!fragment || fragment.directives?.length || fragment.typeCondition.name.value !== type.name) return false
          return walk(fragment.selectionSet)
        }
      }
    })
  return sets.every(walk) ? fields : undefined
}

export function printerOf(
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  compiling: Compiling,
): PrintValue | undefined {
  const nullable = getNullableType(type)
  const print = isLeafType(nullable)
    ? leafPrinter(nullable)
    : isObjectType(nullable)
      ? objectPrinter(nullable, nodes, compiling)
      : isListType(nullable)
        ? listPrinter(printerOf(nullable.ofType, nodes, compiling))
        : undefined
  if (!print) return undefined
  const required = isNonNullType(type)
  return (value) => {
    if (value === null || value === undefined) {
      if (required) throw new NotCompiled('null for a non-null field')
      return 'null'
    }
    if (value instanceof Error || isThenable(value)) throw new NotCompiled('an error or a promise')
    return print(value)
  }
}

function leafPrinter(type: GraphQLLeafType): PrintValue {
  return (value) => {
    const serialized: unknown = type.serialize(value)
    if (serialized === null || serialized === undefined) throw new NotCompiled('no value for a leaf')
    const text = printJson(serialized)
    if (text === undefined) throw new NotCompiled('a value that JSON cannot represent')
    return latin1Of(text)
  }
}

function listPrinter(printItem: PrintValue | undefined): PrintValue | undefined {
  if (!printItem) return undefined
  return (value) => {
    if (!Array.isArray(value)) throw new NotCompiled('a list that is not an array')
    let text = ''
    for (const item of value) text += `${text === '' ? '[' : ','}${printItem(item)}`
    return text === '' ? '[]' : `${text}]`
  }
}

function objectPrinter(
  type: GraphQLObjectType,
  nodes: readonly FieldNode[],
  compiling: Compiling,
): PrintValue | undefined {
  const selected = collect(
    nodes.flatMap(({ selectionSet }) => selectionSet ?? []),
    type,
    compiling.fragments,
  )
  if (!selected || type.isTypeOf) return undefined
  const printers: PrintValue[] = []
  for (const [key, [node, ...repeated]] of selected) {
    if (!node) return undefined
    const prefix = `${printers.length === 0 ? '{' : ','}${JSON.stringify(key)}:`
    if (node.name.value === '__typename') {
      const text = `${prefix}${JSON.stringify(type.name)}`
      printers.push(() => text)
      continue
    }
    const field = type.getFields()[node.name.value]
    const args = field && constantArguments(field, node)
    const print = args && printerOf(field.type, [node, ...repeated], compiling)
    if (!print) return undefined
    const valueOf = resolverOf(field, args, compiling.context)
    const jsonOf = printedField(field)
    printers.push((source) => prefix + (jsonOf?.(source) ?? print(valueOf(source))))
  }
  return (source) => {
    let text = ''
    for (const print of printers) text += print(source)
    return `${text}}`
  }
}

/** What a field may declare in its `extensions`. */
export interface PrintedField<Source> {
  /**
   * Returns the printed JSON of the value, one character for each byte (`latin1Of`). Undefined: the
   * value must be resolved and printed.
   */
  readonly jsonOf: (source: Source) => string | undefined
}

function printedField({
  type,
  extensions,
}: GraphQLField<unknown, unknown>): PrintedField<unknown>['jsonOf'] | undefined {
  // A non-null field needs the check for null.
  return isLeafType(type) ? (extensions as Partial<PrintedField<unknown>>).jsonOf : undefined
}

/** Undefined: they contain a variable, or are invalid. */
function constantArguments(
  field: GraphQLField<unknown, unknown>,
  node: FieldNode,
): Readonly<Record<string, unknown>> | undefined {
  if (field.args.length === 0) return {}
  let hasVariable = false
  for (const argument of node.arguments ?? [])
    visit(argument, {
      Variable() {
        hasVariable = true
      },
    })
  if (hasVariable) return undefined
  try {
    return Object.freeze(getArgumentValues(field, node))
  } catch {
    return undefined
  }
}

function resolverOf(
  { name, resolve }: GraphQLField<unknown, unknown>,
  args: Readonly<Record<string, unknown>>,
  context: FeedContext | undefined,
): (source: unknown) => unknown {
  if (resolve) return (source) => resolve(source, args, context, undefined as never)
  return (source) => {
    const value = (source as Record<string, unknown>)[name]
    if (typeof value === 'function') throw new NotCompiled('a method')
    return value
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === 'object' && typeof (value as { then?: unknown }).then === 'function'
}

/** The compiled selection cannot produce this result. */
class NotCompiled extends Error {
  override readonly name = 'NotCompiled'
}
