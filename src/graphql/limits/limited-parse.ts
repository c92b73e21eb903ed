import {
  type DocumentNode,
  type ExecutionArgs,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  Source,
} from 'graphql'
import { GatewayError } from '../../errors.ts'
import { gatewayError } from '../mask-error.ts'
import { tokensIn } from './document-tokens.ts'
import { DocumentMeasure } from './operation-cost.ts'
import { type Written, writtenIn } from './written-cost.ts'

export interface OperationLimits {
  /** How deep fields may nest. */
  readonly maxQueryDepth: number
  /**
   * What an operation may cost: a field 1, and what is below a list as often as the list has items;
   * aliases and fragments where they are used. What else the document holds is added as it is
   * written.
   */
  readonly maxQueryCost: number
}

/**
 * A document may be so many tokens long for each point of cost: a field with a few arguments. Data
 * belongs into variables.
 */
const tokensPerCost = 10
/** The document of a subscription is kept as long as the subscription lives. */
const tokensPerCostOfSubscription = 2
/**
 * For what a document holds beside its fields, however low the cost is set: variables, fragments.
 */
const tokensBeside = 1_000
/** Comments, blanks and long literals are no tokens, or one. */
const charactersPerToken = 12
/** How deep lists and objects may nest in a literal. Messages may nest deeper: in variables. */
const maxValueDepth = 100

export interface LimitedOperations {
  /**
   * Parses a document, and refuses with `LIMIT_EXCEEDED` one that asks for more than the gateway
   * gives. Before validation, because the work of that grows with the document.
   */
  readonly parse: (source: string | Source) => DocumentNode
  /**
   * Refuses in the same way what only the values of the variables show. Called before execution.
   */
  readonly admit: (args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>) => void
}

/** The limits of operations, for every transport. */
export function limitedOperations(schema: GraphQLSchema, limits: OperationLimits): LimitedOperations {
  const maxTokens = limits.maxQueryCost * tokensPerCost + tokensBeside
  const maxCharacters = maxTokens * charactersPerToken
  /** Documents in which variables decide about the cost. */
  const undecided = new WeakMap<DocumentNode, Written>()
  return {
    parse(source) {
      const { length } = source instanceof Source ? source.body : source
      if (length > maxCharacters) throw tooLong(maxCharacters, 'characters')
      const document = parsed(source, maxTokens)
      const operations = document.definitions.filter(isOperation)
      const holds = operations.some(({ operation }) => operation === OperationTypeNode.SUBSCRIPTION)
      const tokens = tokensIn(document)
      if (tokens > maxTokens) throw tooLong(maxTokens)
      const maxHeld = limits.maxQueryCost * tokensPerCostOfSubscription + tokensBeside
      if (holds && tokens > maxHeld) throw tooLong(maxHeld)
      const written = writtenIn(document)
      if (written.valueDepth > maxValueDepth)
        throw refusal('WARREN_MAX_QUERY_DEPTH', `has a literal that nests deeper than ${maxValueDepth}`)
      if (operations.length === 0) check({ depth: 0, cost: written.around + written.unused }, limits)
      const measure = new DocumentMeasure(schema, document)
      for (const operation of operations) {
        const { depth, cost, needsVariables } = measure.of(operation)
        if (needsVariables) undecided.set(document, written)
        check({ depth, cost: cost + beside(written, operation) }, limits)
      }
      return document
    },
    admit({ document, operationName, variableValues }) {
      const written = undecided.get(document)
      const operation = written && getOperationAST(document, operationName)
      if (!operation) return
      const measure = new DocumentMeasure(schema, document, variableValues ?? {})
      const { depth, cost } = measure.of(operation)
      check({ depth, cost: cost + beside(written, operation) }, limits)
    },
  }
}

function isOperation(definition: DocumentNode['definitions'][number]): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION
}

/** What the document holds beside this operation. */
function beside({ around, unused, fieldsOf }: Written, operation: OperationDefinitionNode): number {
  let cost = around + unused
  for (const [other, fields] of fieldsOf) if (other !== operation) cost += 1 + fields
  return cost
}

function parsed(source: string | Source, maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens })
  } catch (error) {
    if (error instanceof RangeError) throw refusal('WARREN_MAX_QUERY_DEPTH', 'nests deeper than can be read')
    if (!(error instanceof GraphQLError)) throw error
    // graphql-js has no other sign for it.
    if (/tokens\. Parsing aborted/.test(error.message)) throw tooLong(maxTokens)
    // As Yoga does, but over HTTP only.
    const { source: text, positions } = error
    throw new GraphQLError(error.message, { source: text, positions, extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
  }
}

function check(
  { depth, cost }: { depth: number; cost: number },
  { maxQueryDepth, maxQueryCost }: OperationLimits,
): void {
  if (depth > maxQueryDepth)
    throw refusal('WARREN_MAX_QUERY_DEPTH', `has a depth of ${depth}, and ${maxQueryDepth} is allowed`)
  if (cost > maxQueryCost)
    throw refusal('WARREN_MAX_QUERY_COST', `has a cost of ${cost}, and ${maxQueryCost} is allowed`)
}

function tooLong(max: number, unit = 'tokens'): GraphQLError {
  return refusal('WARREN_MAX_QUERY_COST', `is longer than ${max} ${unit}`)
}

function refusal(limit: string, what: string): GraphQLError {
  const error = new GatewayError('LIMIT_EXCEEDED', `this operation ${what}`, { limit })
  // 400 and not 429: the same operation is refused again. `spec`: only where the client takes
  // application/graphql-response+json.
  return gatewayError(error, undefined, { http: { spec: true, status: 400 } })
}
