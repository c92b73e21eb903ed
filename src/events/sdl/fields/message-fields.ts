import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  getNamedType,
  getNullableType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { splitPointer } from '../../../core/json/json-pointer.ts'
import { shortDurationOf } from '../../../core/timing/short-duration.ts'
import type { PublishField, RequestField } from '../../model/event-schema.ts'
import type { DirectiveArguments } from '../directives/arguments.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import { listed, quoted } from '../mistakes.ts'
import { idempotencyArgument } from '../type-system/built-in-arguments.ts'
import { isUnresolved } from '../type-system/type-builder.ts'
import type { FieldReading } from './event-field.ts'
import { type ReadTemplate, readMessageTemplate } from './message-template.ts'
import { pointerProblem } from './places.ts'

/** The arguments that clients see. */
function servedArguments(
  field: GraphQLField<unknown, unknown>,
  { addsIdempotencyKey }: ReadTemplate,
): GraphQLArgument[] {
  return addsIdempotencyKey ? [...field.args, idempotencyArgument()] : [...field.args]
}

export interface ReadMessageField<Field> {
  readonly field: Field
  readonly served: readonly GraphQLArgument[]
}

export function readPublishField(
  reading: FieldReading,
  field: GraphQLField<unknown, unknown>,
  use: DirectiveUse<DirectiveArguments['publish']>,
): ReadMessageField<PublishField> | undefined {
  const { context, known } = reading
  const type = getNullableType(field.type)
  if (type !== known.published && !isUnresolved(type) && field.astNode) {
    context.mistakes.error(
      field.astNode.type,
      `Mutation.${field.name} publishes, so it returns Published: expected Published!, got ${String(field.type)}`,
    )
  }
  const read = readMessageTemplate(reading, 'Mutation', field, use)
  if (!read) return undefined
  return {
    field: { ...read.template, mandatory: use.args.mandatory, idempotencyKey: read.idempotencyKey },
    served: servedArguments(field, read),
  }
}

export function readRequestField(
  reading: FieldReading,
  operation: 'Query' | 'Mutation',
  field: GraphQLField<unknown, unknown>,
  use: DirectiveUse<DirectiveArguments['request']>,
): ReadMessageField<RequestField> | undefined {
  const { context, known } = reading
  const { mistakes } = context
  const path = `${operation}.${field.name}`
  const named = getNamedType(field.type)
  if ((named === known.published || named === known.eventGap) && field.astNode) {
    mistakes.error(
      field.astNode.type,
      `${path} returns the reply to a request, which is no ${named.name}: expected a type of the files or a scalar`,
    )
  }
  checkReplyType(reading, field, path)
  const timeoutMs = shortDurationOf(use.args.timeout, 1, maxTimeoutMs)
  if (timeoutMs === undefined) {
    mistakes.error(
      argumentNode(use, 'timeout'),
      `expected a time such as "500ms", "2s" or "1m", from 1ms to 10m, got ${quoted(use.args.timeout)}`,
    )
  }
  const body = splitPointer(use.args.body)
  if (!body) mistakes.error(argumentNode(use, 'body'), pointerProblem('body of @request', use.args.body))
  const read = readMessageTemplate(reading, operation, field, use)
  if (use.args.entity) checkEntity(reading, operation, field, use, read)
  if (!read || timeoutMs === undefined || !body) return undefined
  return {
    field: {
      ...read.template,
      operation,
      timeoutMs,
      body,
      entity: use.args.entity,
      idempotencyKey: read.idempotencyKey,
    },
    served: servedArguments(field, read),
  }
}

const maxTimeoutMs = 600_000

/** A reply has no position in the journal and no captured words. */
function checkReplyType(
  { context: { mistakes }, mappings, reach }: FieldReading,
  field: GraphQLField<unknown, unknown>,
  path: string,
): void {
  for (const { owner, field: inner } of reach.from(field.type).fields) {
    const place = mappings.objects.get(owner.name)?.get(inner.name)?.place
    if (!place || !isNonNullType(inner.type)) continue
    const missing =
      place.kind === 'word'
        ? `no captured word {${place.name}}`
        : place.kind === 'property' && place.property === 'CURSOR'
          ? 'no CURSOR'
          : undefined
    if (missing === undefined) continue
    mistakes.error(
      inner.astNode ?? {},
      `${owner.name}.${inner.name} cannot be null, and the reply that ${path} returns has ${missing}: make the field nullable, or return another type`,
    )
  }
}

/** `entity: true`: one argument, which is the key of the type. */
function checkEntity(
  { context: { mistakes, uses } }: FieldReading,
  operation: 'Query' | 'Mutation',
  field: GraphQLField<unknown, unknown>,
  use: DirectiveUse,
  read: ReadTemplate | undefined,
): void {
  const node = argumentNode(use, 'entity')
  const type = getNullableType(field.type)
  if (operation !== 'Query') {
    mistakes.error(node, `"entity: true" is for fields of Query, and ${operation}.${field.name} is none`)
    return
  }
  if (isUnresolved(type)) return
  const keys = isObjectType(type) ? keysOf(type, uses) : []
  if (!isObjectType(type) || keys.length === 0) {
    mistakes.error(
      node,
      `"entity: true" resolves a type by its key: expected a type with @key(fields: "…"), got ${String(field.type)}`,
    )
    return
  }
  if (!read) return
  const [only] = read.declared
  const key = only && keys.find((fields) => fields === only.name)
  const keyField = key === undefined ? undefined : type.getFields()[key]
  if (read.declared.length !== 1 || !only || !keyField) {
    mistakes.error(
      node,
      `"entity: true" needs one argument, the key of ${type.name}: expected ${listed(
        keys.map((fields) => quoted(fields)),
        'or',
      )}`,
    )
  } else if (
    getNamedType(only.type) !== getNamedType(keyField.type) &&
    !isUnresolved(only.type) &&
    !isUnresolved(keyField.type)
  ) {
    mistakes.error(
      node,
      `the argument ${only.name} has the type ${String(only.type)}, and the key of ${type.name} has ${String(keyField.type)}: expected the same type`,
    )
  }
}

function keysOf(type: GraphQLObjectType, uses: FieldReading['context']['uses']): string[] {
  return [type.astNode, ...type.extensionASTNodes]
    .flatMap((node) => uses.of(node, 'key'))
    .map(({ args }) => args.fields.trim())
}
