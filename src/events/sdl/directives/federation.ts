import {
  GraphQLError,
  type GraphQLNamedType,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql'
import type { SdlContext } from '../context.ts'
import { type LocatedNode, listed, quoted } from '../mistakes.ts'
import type { SchemaLink } from './links.ts'
import type { FederationUse } from './uses.ts'

/** What the files have for the federated SDL. Nothing of it is in the served schema. */
export interface FederationMarks {
  readonly links: readonly SchemaLink[]
  /** `@key`, `@shareable`, `@inaccessible`, `@tag`, `@interfaceObject` and `@external`. */
  readonly uses: readonly FederationMark[]
}

export interface FederationMark {
  /** A schema coordinate, such as `Query.quote(sku:)`; empty for the schema. */
  readonly coordinate: string
  /** Without `@` and without renames. */
  readonly name: string
  readonly args: Readonly<Record<string, unknown>>
}

/** A key has some fields; one that is longer has another purpose. */
const maxKeyLength = 1_000
const maxKeyDepth = 10

/** Checks the directives of federation. `types`: of the team. */
export function readFederation(context: SdlContext, types: ReadonlyMap<string, GraphQLNamedType>): FederationMarks {
  const { mistakes, names, uses } = context
  const keys = new Map<string, Set<string>>()
  for (const { name, coordinate, args, node } of uses.federation) {
    if (name !== 'key') continue
    const type = types.get(coordinate)
    const value = node.arguments?.find((argument) => argument.name.value === 'fields')?.value ?? node
    const fields = keyFields(String(args['fields']))
    if (!fields) {
      mistakes.error(
        value,
        `expected names of fields in @key, such as "id" or "id organization { id }", got ${quoted(String(args['fields']))}`,
      )
    } else if (type) {
      checkKey(context, value, fields, type)
      const known = keys.get(coordinate) ?? new Set()
      keys.set(coordinate, known)
      for (const selection of fields.selections) {
        if (selection.kind === Kind.FIELD) known.add(selection.name.value)
      }
    }
  }
  for (const use of uses.federation) checkAllowed(context, use, keys)
  return {
    links: names.links,
    uses: uses.federation
      .filter(({ name }) => name !== 'link')
      .map(({ coordinate, name, args }) => ({ coordinate, name, args })),
  }
}

function checkAllowed(
  { mistakes }: SdlContext,
  { name, coordinate, node }: FederationUse,
  keys: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  const written = `@${node.name.value}`
  if (name === 'requires' || name === 'provides') {
    mistakes.error(
      node,
      `${written} cannot be served, because events are not computed from fields of other subgraphs: allowed are @key, @shareable, @inaccessible, @tag and @interfaceObject`,
    )
  } else if (name === 'external') {
    const [owner = '', field = ''] = coordinate.split('.')
    if (keys.get(owner)?.has(field)) return
    mistakes.error(
      node,
      `${written} is for the key of a stub, and ${coordinate} is in no @key of its type: leave it out`,
    )
  }
}

function keyFields(text: string): SelectionSetNode | undefined {
  if (text.length > maxKeyLength) return undefined
  try {
    const [definition, ...others] = parse(`{${text}}`, { noLocation: true }).definitions
    if (definition?.kind !== Kind.OPERATION_DEFINITION || others.length > 0) return undefined
    return isPlain(definition.selectionSet, 1) ? definition.selectionSet : undefined
  } catch (error) {
    if (error instanceof GraphQLError || error instanceof RangeError) return undefined
    throw error
  }
}

/** Names only: no aliases, arguments, directives and fragments. */
function isPlain({ selections }: SelectionSetNode, depth: number): boolean {
  if (depth > maxKeyDepth) return false
  return selections.every((selection) => {
    if (selection.kind !== Kind.FIELD || selection.alias) return false
    if ((selection.arguments?.length ?? 0) > 0 || (selection.directives?.length ?? 0) > 0) return false
    return !selection.selectionSet || isPlain(selection.selectionSet, depth + 1)
  })
}

function checkKey(
  context: SdlContext,
  node: LocatedNode,
  { selections }: SelectionSetNode,
  type: GraphQLNamedType,
): void {
  const { mistakes } = context
  if (!isObjectType(type) && !isInterfaceType(type)) {
    mistakes.error(node, `@key selects fields of ${type.name}, which has none`)
    return
  }
  const fields = type.getFields()
  for (const selection of selections) {
    if (selection.kind !== Kind.FIELD) continue
    const name = selection.name.value
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (!field) {
      mistakes.error(
        node,
        `@key names the field ${quoted(name)}, which ${type.name} lacks: it has ${listed(Object.keys(fields))}`,
      )
    } else if (selection.selectionSet) {
      checkKey(context, node, selection.selectionSet, getNamedType(field.type))
    }
  }
}
