import { traceparentName } from '../../core/accounting/trace-context.ts'
import { checkDepth, maxDepth, UndecodableBody } from '../../core/body/decode-body.ts'
import { idempotencyHeader } from '../../core/delivery/deduplicator.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { MessageProperties } from '../../core/model/message.ts'
import { messageIdOf, newMessageId } from '../../core/model/message-id.ts'
import { checkShortString } from '../../core/model/short-string.ts'
import { badInput } from '../../errors.ts'
import {
  type Arguments,
  argumentTypesOf,
  authorizeMessage,
  type InputSchema,
  usedFieldOf,
} from '../access/authorize-message.ts'
import { type EventCaller, refusal } from '../access/event-caller.ts'
import type { PublishField, RequestField } from '../model/event-schema.ts'
import { bodyObjectOf, bodyValueOf } from './message-body.ts'
import { renderHeader, renderRoutingKey, type TemplateSource } from './render-template.ts'
import { wrapperOf } from './wrap.ts'

/** A message to publish, complete. */
export interface RenderedMessage {
  readonly exchange: string
  readonly routingKey: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Includes `headers`. */
  readonly properties: MessageProperties & { readonly messageId: string }
  readonly mandatory: boolean
}

/** The header with the client id of the caller. Absent if the caller has none. */
export const clientIdHeader = 'x-warren-client-id'

/** One operation on the field. */
export interface MessageRequest {
  /** After GraphQL has coerced them. */
  readonly args: Arguments
  readonly caller: EventCaller
  /** In milliseconds since the epoch. */
  readonly now: number
  readonly traceparent: string | undefined
}

/**
 * Authorizes the operation and renders its message. Throws what `authorizeMessage` throws, and
 * `BAD_USER_INPUT` with the path of an argument that the message cannot carry.
 */
export type MessageRenderer = (request: MessageRequest) => RenderedMessage

/** Compiles a field with `@publish` or `@request`. Made once for each field. */
export function messageRendererOf(schema: InputSchema, field: PublishField | RequestField): MessageRenderer {
  const types = argumentTypesOf(schema, field)
  const wrap = field.wrap === undefined ? undefined : wrapperOf(field.wrap)
  return ({ args: given, caller, now, traceparent }) => {
    const args = authorizeMessage(schema, field, given, caller)
    const source: TemplateSource = { schema, types, args, caller, refusal: () => refusal(caller, usedFieldOf(field)) }
    const routingKey = renderRoutingKey(field.routingKey, source)
    const idempotencyKey = idempotencyKeyOf(field, given)
    const owned =
      idempotencyKey === undefined ? undefined : `${caller.identity.clientId ?? ''} ${field.name} ${idempotencyKey}`
    const messageId = owned === undefined ? newMessageId() : messageIdOf(owned)
    const value = payloadOf(schema, field, types, args)
    const body = wrap ? wrap({ body: value, messageId, now: new Date(now).toISOString() }) : value
    const headers: Record<string, string> = Object.create(null) as Record<string, string>
    for (const { name, value: template } of field.headers) {
      const text = renderHeader(template, source)
      if (text !== undefined) headers[name] = text
    }
    // What the author wrote never replaces the headers of Warren.
    delete headers[clientIdHeader]
    if (caller.identity.clientId !== undefined) headers[clientIdHeader] = caller.identity.clientId
    if (traceparent !== undefined) headers[traceparentName] = traceparent
    if (owned !== undefined) headers[idempotencyHeader] = owned
    return {
      exchange: field.exchange,
      routingKey,
      headers,
      body: printBody(body, field),
      properties: {
        contentType: 'application/json',
        messageId,
        timestamp: now,
        ...(field.type === undefined ? {} : { type: field.type }),
        headers,
      },
      mandatory: 'mandatory' in field ? field.mandatory : true,
    }
  }
}

function payloadOf(
  schema: InputSchema,
  field: PublishField | RequestField,
  types: TemplateSource['types'],
  args: Arguments,
): unknown {
  const { bodyArgument } = field
  const type = bodyArgument === undefined ? undefined : types.get(bodyArgument)
  if (bodyArgument === undefined || !type) return bodyObjectOf(schema, types, field.arguments, args)
  return bodyValueOf(schema, type, args[bodyArgument], bodyArgument)
}

function idempotencyKeyOf({ idempotencyKey: name }: PublishField | RequestField, args: Arguments): string | undefined {
  const key = name === undefined ? undefined : args[name]
  if (name === undefined || key === undefined || key === null) return undefined
  if (typeof key !== 'string' || key === '') throw badInput(name, 'expected a non-empty string')
  checkShortString(name, key)
  return key
}

/** Refuses what no subscriber could decode. */
function printBody(body: unknown, { bodyArgument, arguments: args }: PublishField | RequestField): Buffer {
  try {
    const bytes = Buffer.from(printJson(body) ?? 'null')
    checkDepth(bytes)
    return bytes
  } catch (error) {
    // JSON.stringify throws a RangeError for some thousands of levels.
    if (!(error instanceof UndecodableBody || error instanceof RangeError)) throw error
    throw badInput(bodyArgument ?? [...args.keys()].join(), `expected values that nest at most ${maxDepth} levels`)
  }
}
