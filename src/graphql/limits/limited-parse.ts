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
  /** Maximum depth of fields. */
  readonly maxQueryDepth: number
  /**
   * Maximum cost of an operation. A field costs 1, and fields below a list count once for each
   * item. Aliases and fragments count where they are used. Other parts of the document are added
   * once.
   */
  readonly maxQueryCost: number
}

/**
 * Tokens allowed for each point of cost: a field with a few arguments. Data belongs in variables.
 */
const tokensPerCost = 10
/** Fewer, because the document of a subscription is kept as long as the subscription. */
const tokensPerCostOfSubscription = 2
/**
 * Tokens allowed for parts other than fields, such as variables and fragments, independent of the
 * cost limit.
 */
const baseTokens = 1_000
/**
 * Comments and blanks are no tokens, and a long literal is one token, so characters have their own
 * limit.
 */
const charactersPerToken = 12
/** How deep lists and objects may nest in a literal. Values of variables may nest deeper. */
const maxValueDepth = 100

export interface LimitedOperations {
  /**
   * Parses a document and rejects one beyond the limits with `LIMIT_EXCEEDED`. This happens before
   * validation because the work of validation grows with the document.
   */
  readonly parse: (source: string | Source) => DocumentNode
  /** Rejects in the same way what depends on the values of variables. Called before execution. */
  readonly admit: (args: Pick<ExecutionArgs, 'document' | 'operationName' | 'variableValues'>) => void
}

/** Enforces the limits of operations, for every transport. */
export function limitedOperations(schemaOf: () => GraphQLSchema, limits: OperationLimits): LimitedOperations {
  const maxTokens = limits.maxQueryCost * tokensPerCost + baseTokens
  const maxCharacters = maxTokens * charactersPerToken
  /** Documents with a cost that depends on variables. */
  const undecided = new WeakMap<DocumentNode, Written>()
  return {
    parse(source) {
      const { length } = source instanceof Source ? source.body : source
      if (length > maxCharacters) throw tooLong(maxCharacters, 'characters')
      const document = parsed(source, maxTokens)
      const operations = document.definitions.filter(isOperation)
      const hasSubscription = operations.some(({ operation }) => operation === OperationTypeNode.SUBSCRIPTION)
      const tokens = tokensIn(document)
      if (tokens > maxTokens) throw tooLong(maxTokens)
      const maxSubscriptionTokens = limits.maxQueryCost * tokensPerCostOfSubscription + baseTokens
      if (hasSubscription && tokens > maxSubscriptionTokens) throw tooLong(maxSubscriptionTokens)
      const written = writtenIn(document)
      if (written.valueDepth > maxValueDepth)
        throw refusal('WARREN_MAX_QUERY_DEPTH', `has a literal that is nested deeper than ${maxValueDepth}`)
      if (operations.length === 0) check({ depth: 0, cost: written.around + written.unused }, limits)
      const measure = new DocumentMeasure(schemaOf(), document)
      for (const operation of operations) {
        const { depth, cost, needsVariables } = measure.of(operation)
        if (needsVariables) undecided.set(document, written)
        check({ depth, cost: cost + costOutside(written, operation) }, limits)
      }
      return document
    },
    admit({ document, operationName, variableValues }) {
      const written = undecided.get(document)
      const operation = written && getOperationAST(document, operationName)
      if (!operation) return
      const measure = new DocumentMeasure(schemaOf(), document, variableValues ?? {})
      const { depth, cost } = measure.of(operation)
      check({ depth, cost: cost + costOutside(written, operation) }, limits)
    },
  }
}

function isOperation(definition: DocumentNode['definitions'][number]): definition is OperationDefinitionNode {
  return definition.kind === Kind.OPERATION_DEFINITION
}

/** The cost of the document without this operation. */
function costOutside({ around, unused, fieldsOf }: Written, operation: OperationDefinitionNode): number {
  let cost = around + unused
  for (const [other, fields] of fieldsOf) if (other !== operation) cost += 1 + fields
  return cost
}

function parsed(source: string | Source, maxTokens: number): DocumentNode {
  try {
    return parse(source, { maxTokens })
  } catch (error) {
    if (error instanceof RangeError) throw refusal('WARREN_MAX_QUERY_DEPTH', 'is nested too deeply to be parsed')
    if (!(error instanceof GraphQLError)) throw error
    // graphql-js has no other sign of this error.
    if (/tokens\. Parsing aborted/.test(error.message)) throw tooLong(maxTokens)
    // Yoga adds this code too, but over HTTP only.
    const { source: text, positions } = error
    throw new GraphQLError(error.message, { source: text, positions, extensions: { code: 'GRAPHQL_PARSE_FAILED' } })
  }
}

function check(
  { depth, cost }: { depth: number; cost: number },
  { maxQueryDepth, maxQueryCost }: OperationLimits,
): void {
  if (depth > maxQueryDepth)
    throw refusal('WARREN_MAX_QUERY_DEPTH', `has a depth of ${depth}, and at most ${maxQueryDepth} is allowed`)
  if (cost > maxQueryCost)
    throw refusal('WARREN_MAX_QUERY_COST', `has a cost of ${cost}, and at most ${maxQueryCost} is allowed`)
}

function tooLong(max: number, unit = 'tokens'): GraphQLError {
  return refusal('WARREN_MAX_QUERY_COST', `is longer than ${max} ${unit}`)
}

function refusal(limit: string, what: string): GraphQLError {
  const error = new GatewayError('LIMIT_EXCEEDED', `this operation ${what}`, { limit })
  // 400 and not 429, because the same operation is rejected again. `spec`: only if the client
  // accepts application/graphql-response+json.
  return gatewayError(error, undefined, { http: { spec: true, status: 400 } })
}
