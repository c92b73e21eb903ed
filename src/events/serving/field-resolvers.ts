import {
  type DocumentNode,
  GraphQLError,
  type GraphQLResolveInfo,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
} from 'graphql'
import type { ChannelEvent } from '../../core/model/channel-event.ts'
import type { EventField, EventSchema } from '../model/event-schema.ts'
import { gapTypeName } from '../model/gap-notice.ts'
import { plainValue, typedFieldResolver, typedTypeResolver } from '../projection/typed-resolvers.ts'
import { publisherOf, type RequestParts, requesterOf } from '../publishing/send-message.ts'
import { stateQueryName } from '../sdl/type-system/state-types.ts'
import type { EventContext } from './event-context.ts'
import { historyCost, readFieldHistory } from './queries/field-history.ts'
import { readFieldState, stateQueryCost } from './queries/field-state.ts'
import { subscribeToField } from './subscribe.ts'
import type { TypedOperations } from './typed-operations.ts'
import { resultOf } from './typed-results.ts'

/**
 * Gives the schema's typed fields and types their resolvers. They run where graphql-js executes: at
 * the start of a subscription that is not compiled, for results that are not shared, and for
 * queries and mutations.
 */
export function addFieldResolvers(operations: TypedOperations, requests: RequestParts): void {
  const { schema } = operations.fields
  addEventResolvers(operations)
  for (const [name, field] of schema.publications) {
    const definition = schema.schema.getMutationType()?.getFields()[name]
    if (!definition) continue
    const publish = publisherOf(schema, field, requests.onPublished)
    definition.resolve = (_root, args: Record<string, unknown>, context) => publish(args, context as EventContext)
  }
  for (const field of schema.requests.values()) {
    const root = field.operation === 'Query' ? schema.schema.getQueryType() : schema.schema.getMutationType()
    const definition = root?.getFields()[field.name]
    if (!definition) continue
    const request = requesterOf(schema, field, requests)
    definition.resolve = (_root, args: Record<string, unknown>, context, info) =>
      request(args, context as EventContext, operations.fieldsNamedIn(documentOf(info)))
  }
  addValueResolvers(schema)
}

function addEventResolvers(operations: TypedOperations): void {
  const { fields } = operations
  const { schema, events } = fields.schema
  for (const field of events.values()) {
    const definition = schema.getSubscriptionType()?.getFields()[field.name]
    if (!definition) continue
    definition.subscribe = (_root: unknown, args: Record<string, unknown>, context: unknown, info) => {
      const document = documentOf(info)
      const selected = operations.of(document, undefined)?.selectedFields(info.variableValues) ?? []
      return subscribeToField(operations.served, { fields, field, args, selected, document }, context as EventContext)
    }
    definition.resolve = (event: unknown) => {
      const result = resultOf(fields, field, event as ChannelEvent)
      if (!result) return null
      if (result.kind === 'value') return plainValue(result.value)
      throw new GraphQLError(result.error.message, { extensions: { ...result.error.extensions } })
    }
    addQueryResolvers(operations, field)
  }
}

/** `<field>History` and `<field>State`. */
function addQueryResolvers(operations: TypedOperations, field: EventField): void {
  const { served, fields } = operations
  const { schema } = fields.schema
  const queries = schema.getQueryType()?.getFields() ?? {}
  const requestOf = (args: Record<string, unknown>, info: GraphQLResolveInfo) => ({
    fields,
    field,
    args,
    selected: operations.fieldsNamedIn(documentOf(info)),
  })
  const history = field.history ? queries[`${field.name}History`] : undefined
  if (history) {
    history.extensions = { ...history.extensions, ...historyCost }
    history.resolve = (_root: unknown, args: Record<string, unknown>, context: unknown, info) =>
      readFieldHistory(served, requestOf(args, info), context as EventContext)
  }
  const state = field.state ? queries[stateQueryName(field.name)] : undefined
  if (state) {
    state.extensions = { ...state.extensions, ...stateQueryCost }
    state.resolve = (_root: unknown, args: Record<string, unknown>, context: unknown, info) =>
      readFieldState(served, requestOf(args, info), context as EventContext)
  }
}

/** The fields of values that validation made. */
function addValueResolvers({ schema, objects }: EventSchema): void {
  const isTyped = ({ name }: { readonly name: string }) => objects.has(name) || name === gapTypeName
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type) && schema.getPossibleTypes(type).some(isTyped)) type.resolveType ??= typedTypeResolver
    if (!isObjectType(type) || !isTyped(type)) continue
    for (const definition of Object.values(type.getFields())) definition.resolve ??= typedFieldResolver
  }
}

/** One object for each operation, so that it is compiled once. */
const documents = new WeakMap<OperationDefinitionNode, DocumentNode>()

function documentOf({ operation, fragments }: GraphQLResolveInfo): DocumentNode {
  const known = documents.get(operation)
  if (known) return known
  const document: DocumentNode = {
    kind: Kind.DOCUMENT,
    definitions: [operation, ...Object.values(fragments)],
  }
  documents.set(operation, document)
  return document
}
