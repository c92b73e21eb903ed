import { asError } from '../../../core/model/error-text.ts'
import { badInput, type GatewayError } from '../../../errors.ts'
import { tooLarge } from '../../refusals.ts'
import { type BrokerReply, replyCodes } from '../connection/reply-codes.ts'
import type { PendingPublish } from './pending-publish.ts'

/** The error for a message for which RabbitMQ closed its channel. */
export function refusedByBroker({ exchange, bytes }: PendingPublish, { code, text }: BrokerReply): GatewayError {
  const size = /larger than configured max size (\d+)/.exec(text)?.[1]
  if (size !== undefined) return tooLarge(bytes, Number(size))
  if (code === replyCodes.accessRefused) {
    return badInput('exchange', `RabbitMQ does not let Warren publish to "${exchange}": ${text}`)
  }
  return badInput('properties', `RabbitMQ refuses the message: ${text}`)
}

/** The error for a message for which RabbitMQ closed the connection each time it was sent alone. */
export function closesConnections({ code, text }: BrokerReply): GatewayError {
  return badInput('properties', `RabbitMQ closes the connection each time this message is sent: ${code} ${text}`)
}

/** The error for properties that amqplib refuses while it encodes them, before it sends a byte. */
export function unencodable(error: unknown): GatewayError {
  const text = asError(error).message
  const field = /^Field '(\w+)'/.exec(text)?.[1] ?? 'headers'
  return badInput(field, `AMQP cannot carry it: ${text}`)
}
