import { GraphQLError } from 'graphql'
import type { PublicationResult } from '../../core/accounting/labels.ts'
import { newTraceparent } from '../../core/accounting/trace-context.ts'
import { UndecodableBody } from '../../core/body/undecodable-body.ts'
import type { Message } from '../../core/model/message.ts'
import type { Requester } from '../../core/ports/requester.ts'
import { payerOf } from '../../core/sessions/payer.ts'
import { GatewayError } from '../../errors.ts'
import { usedFieldOf } from '../access/authorize-message.ts'
import { callerOf } from '../access/event-caller.ts'
import { demandSelection } from '../access/selected-fields.ts'
import type { EventSchema, PublishField, RequestField } from '../model/event-schema.ts'
import type { Verdict } from '../model/typed-value.ts'
import { plainValue } from '../projection/typed-resolvers.ts'
import type { EventContext } from '../serving/event-context.ts'
import type { BinaryDecoders } from '../values/binary-body.ts'
import { compileReplyValidator } from '../values/compiled-validator.ts'
import { MessageInput } from '../values/message-input.ts'
import { messageRendererOf, type RenderedMessage } from './render-message.ts'
import type { RequestLimit } from './request-limit.ts'

type Arguments = Readonly<Record<string, unknown>>

/** The headers of a reply that reports an error. */
const errorHeader = 'x-error'
const errorCodeHeader = 'x-error-code'
const defaultErrorCode = 'RESPONDER_ERROR'

type Publisher = (args: Arguments, context: EventContext) => Promise<{ readonly messageId: string }>

/** Resolves a field with `@publish`: publishes, confirmed, and returns `Published`. */
export function publisherOf(
  schema: EventSchema,
  field: PublishField,
  onPublished: (field: string, result: PublicationResult) => void,
): Publisher {
  const publish = unobservedPublisherOf(schema, field)
  return async (args, context) => {
    let result: PublicationResult = 'failed'
    try {
      const published = await publish(args, context)
      result = 'confirmed'
      return published
    } finally {
      onPublished(field.name, result)
    }
  }
}

function unobservedPublisherOf(schema: EventSchema, field: PublishField): Publisher {
  const rendererOf = messageRendererOf(schema, field)
  return async (args, { identity, address, gateway }) => {
    const message = rendererOf(requestOf(args, identity))
    const { exchange, routingKey, body, properties } = message
    try {
      await gateway.publish({ exchange, routingKey, body, properties }, payerOf(identity, address))
    } catch (error) {
      if (!isUnroutable(error)) throw error
      if (message.mandatory || error.field === 'exchange') throw noResponder(field.name, error)
    }
    return { messageId: properties.messageId }
  }
}

export interface RequestParts {
  readonly requester: Requester
  readonly limit: RequestLimit
  readonly decoders: BinaryDecoders
  readonly maxDecodedBytes: number
  /** Called with the result of each call of a field with `@publish`. */
  readonly onPublished: (field: string, result: PublicationResult) => void
  /** Logs a reply that does not fit the schema. */
  readonly onInvalid: (field: string, pointer: string, expected: string) => void
}

/**
 * Resolves a field with `@request`: sends the message, and returns the reply as the field's type.
 * `selected`: the fields that the operation may select of it, as `Type.field`.
 */
type RequestResolver = (args: Arguments, context: EventContext, selected: Iterable<string>) => Promise<unknown>

export function requesterOf(schema: EventSchema, field: RequestField, parts: RequestParts): RequestResolver {
  const rendererOf = messageRendererOf(schema, field)
  const validate = compileReplyValidator(schema, field)
  return async (args, { identity, address, session }, selected) => {
    demandSelection(schema, callerOf(identity), usedFieldOf(field), selected)
    const { exchange, routingKey, body, properties }: RenderedMessage = rendererOf(requestOf(args, identity))
    const release = parts.limit.take(session ?? payerOf(identity, address))
    let reply: Message
    try {
      reply = await parts.requester.request({ exchange, routingKey, body, properties, timeoutMs: field.timeoutMs })
    } finally {
      release()
    }
    throwResponderError(reply)
    const verdict = verdictOn(() => validate(new MessageInput(reply, () => '', parts.decoders, parts.maxDecodedBytes)))
    if (verdict.kind === 'valid') return plainValue(verdict.value)
    const { pointer, expected } =
      verdict.kind === 'invalid' ? verdict : { pointer: '', expected: 'an event type of the field' }
    parts.onInvalid(field.name, pointer, expected)
    throw new GatewayError(
      'INVALID_EVENT',
      `the reply to ${field.name} does not have the form that the schema declares`,
    )
  }
}

/** A reply that does not decode is the responder's mistake, as one of another form is. */
function verdictOn(validate: () => Verdict): Verdict {
  try {
    return validate()
  } catch (error) {
    if (!(error instanceof UndecodableBody)) throw error
    return { kind: 'invalid', pointer: '', expected: `a body that decodes: ${error.message}` }
  }
}

function requestOf(args: Arguments, identity: EventContext['identity']) {
  return { args, caller: callerOf(identity), now: Date.now(), traceparent: newTraceparent() }
}

/** RabbitMQ has no such exchange, or nothing is bound to it with this key. */
function isUnroutable(error: unknown): error is GatewayError {
  return (
    error instanceof GatewayError &&
    error.code === 'BAD_USER_INPUT' &&
    (error.field === 'exchange' || error.field === 'routingKey')
  )
}

function noResponder(field: string, cause: GatewayError): GatewayError {
  return new GatewayError('NO_RESPONDER', `no queue takes the messages of ${field}: try again later`, { cause })
}

function throwResponderError({ properties: { headers } }: Message): void {
  const text = headers?.[errorHeader]
  const code = headers?.[errorCodeHeader]
  if (text === undefined && code === undefined) return
  throw new GraphQLError(typeof text === 'string' && text !== '' ? text : 'the responder reports an error', {
    extensions: { code: typeof code === 'string' && /^[A-Z_]{1,64}$/.test(code) ? code : defaultErrorCode },
  })
}
