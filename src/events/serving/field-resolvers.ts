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
import { plainValue, typedFieldResolver, typedTypeResolver } from '../projection/typed-resolvers.ts'
import type { EventContext } from './event-context.ts'
import { subscribeToField } from './subscribe.ts'
import type { TypedOperations } from './typed-operations.ts'
import { resultOf } from './typed-results.ts'

/**
 * Gives the schema's typed fields and types their resolvers. They run where graphql-js executes: at
 * the start of a subscription that is not compiled, and for results that are not shared.
 */
export function addFieldResolvers(operations: TypedOperations): void {
  const { fields } = operations
  const { schema, events, objects } = fields.schema
  for (const field of events.values()) {
    const definition = schema.getSubscriptionType()?.getFields()[field.name]
    if (!definition) continue
    definition.subscribe = (
      _root: unknown,
      args: Record<string, unknown>,
      context: unknown,
      info: GraphQLResolveInfo,
    ) => {
      const selected = operations.of(documentOf(info), undefined)?.selectedFields(info.variableValues) ?? []
      return subscribeToField(fields, field, args, selected, context as EventContext)
    }
    definition.resolve = (event: unknown) => {
      const result = resultOf(fields, field, event as ChannelEvent)
      if (!result) return null
      if (result.kind === 'value') return plainValue(result.value)
      throw new GraphQLError(result.error.message, { extensions: { ...result.error.extensions } })
    }
  }
  for (const type of Object.values(schema.getTypeMap())) {
    if (isAbstractType(type) && schema.getPossibleTypes(type).some(({ name }) => objects.has(name)))
      type.resolveType ??= typedTypeResolver
    if (!isObjectType(type) || !(objects.has(type.name) || type.name === 'EventGap')) continue
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
