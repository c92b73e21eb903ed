import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  parse,
  type SelectionSetNode,
  type Source,
} from 'graphql'
import { GatewayError } from '../errors.ts'
import { gatewayError } from './mask-error.ts'

export interface OperationLimits {
  /** How deep fields may nest. */
  readonly maxQueryDepth: number
  /** What an operation may cost: a field 1, and what is below a list `listMultiplier` times; aliases and fragments where they are used. */
  readonly maxQueryCost: number
}

/** A document may be so many tokens long for each point of cost: a field with a few arguments. Data belongs into variables. */
const tokensPerCost = 10
/** What the whole schema costs beside its fields: it is some hundred times the work of another field. */
const schemaCost = 100
/** For what a document holds beside its fields, however low the cost is set: variables, fragments. */
const tokensBeside = 1_000

/**
 * Parses documents and refuses, with `LIMIT_EXCEEDED`, those that ask for more than the gateway gives. Before validation, whose own work grows with
 * the document; for every transport, and for subscriptions as they begin.
 */
export function limitedParse(
  schema: GraphQLSchema,
  limits: OperationLimits,
): (source: string | Source) => DocumentNode {
  const maxTokens = limits.maxQueryCost * tokensPerCost + tokensBeside
  return (source) => {
    try {
      const document = parse(source, { maxTokens })
      check(measure(document, schema), limits)
      return document
    } catch (error) {
      if (error instanceof RangeError) throw refusal('WARREN_MAX_QUERY_DEPTH', 'nests deeper than can be read')
      if (!(error instanceof GraphQLError) || error.extensions['code'] !== undefined) throw error
      // graphql-js has no other sign for it.
      if (/tokens\. Parsing aborted/.test(error.message))
        throw refusal('WARREN_MAX_QUERY_COST', `is longer than ${maxTokens} tokens`)
      // As Yoga does, but over HTTP only.
      const { source: text, positions } = error
      throw new GraphQLError(error.message, { source: text, positions, extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
    }
  }
}

function check({ depth, cost }: Measure, { maxQueryDepth, maxQueryCost }: OperationLimits): void {
  if (depth > maxQueryDepth)
    throw refusal('WARREN_MAX_QUERY_DEPTH', `has a depth of ${depth}, and ${maxQueryDepth} is allowed`)
  if (cost > maxQueryCost)
    throw refusal('WARREN_MAX_QUERY_COST', `has a cost of ${cost}, and ${maxQueryCost} is allowed`)
}

function refusal(limit: string, what: string): GraphQLError {
  const error = new GatewayError('LIMIT_EXCEEDED', `this operation ${what}`, { limit })
  // 400 and not 429: the same operation is refused again. `spec`: only where the client takes application/graphql-response+json.
  return gatewayError(error, undefined, { http: { spec: true, status: 400 } })
}

interface Measure {
  readonly depth: number
  readonly cost: number
}

const nothing: Measure = { depth: 0, cost: 0 }

/** Of the deepest and the dearest of its operations. What validation will refuse (an unknown field, a cycle) counts for something or nothing. */
function measure(document: DocumentNode, schema: GraphQLSchema): Measure {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const measured = new Map<string, Measure>()

  const ofSelections = ({ selections }: SelectionSetNode, type: GraphQLNamedType | undefined): Measure => {
    let { depth, cost } = nothing
    for (const selection of selections) {
      const part =
        selection.kind === Kind.FIELD
          ? ofField(selection, type)
          : selection.kind === Kind.FRAGMENT_SPREAD
            ? ofFragment(selection.name.value)
            : ofSelections(selection.selectionSet, typeOf(selection.typeCondition?.name.value) ?? type)
      depth = Math.max(depth, part.depth)
      cost += part.cost
    }
    return { depth, cost }
  }
  const ofField = ({ name, selectionSet }: FieldNode, type: GraphQLNamedType | undefined): Measure => {
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name.value] : undefined
    const { own, multiplier } = name.value === '__schema' ? { own: schemaCost, multiplier: 1 } : costOf(field)
    const below = selectionSet ? ofSelections(selectionSet, field && getNamedType(field.type)) : nothing
    // How deep introspection goes is a rule of graphql-js, and the query of every tool goes deeper than a client's.
    const depth = name.value.startsWith('__') ? 1 : 1 + below.depth
    return { depth, cost: own + multiplier * below.cost }
  }
  const ofFragment = (name: string): Measure => {
    const known = measured.get(name)
    if (known) return known
    measured.set(name, nothing)
    const fragment = fragments.get(name)
    const result = fragment ? ofSelections(fragment.selectionSet, typeOf(fragment.typeCondition.name.value)) : nothing
    measured.set(name, result)
    return result
  }
  const typeOf = (name: string | undefined) => (name === undefined ? undefined : schema.getType(name))

  let { depth, cost } = nothing
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue
    const operation = ofSelections(definition.selectionSet, schema.getRootType(definition.operation) ?? undefined)
    depth = Math.max(depth, operation.depth)
    cost = Math.max(cost, operation.cost)
  }
  return { depth, cost }
}

/** What the field was given in the builder (`complexity`), as Pothos keeps it. */
function costOf(field: GraphQLField<unknown, unknown> | undefined): { own: number; multiplier: number } {
  const complexity = field?.extensions['complexity'] as number | { field?: number; multiplier?: number } | undefined
  if (typeof complexity === 'number') return { own: complexity, multiplier: 1 }
  return { own: complexity?.field ?? 1, multiplier: complexity?.multiplier ?? 1 }
}
