import { createHash } from 'node:crypto'
import { copyWireTypes } from '../body/amqp-field-types.ts'
import { printJson } from '../json/print-json.ts'
import type { Message, MessageProperties, Publication } from '../model/message.ts'

/**
 * The message as it was before the quarantine: its exchange and key, unless `to` overrides them,
 * and its properties without Warren's additions. The user id is removed because RabbitMQ accepts
 * only that of the connection.
 */
export function original(message: Message, to?: { exchange: string; routingKey: string }): Publication {
  const { userId: _, headers = {}, ...rest } = message.properties
  const kept = Object.entries(headers).filter(([name]) => !name.startsWith('x-warren-') && !ofQueue.has(name))
  const expiration = text(headers['x-warren-expiration'])
  const properties: MessageProperties = {
    ...rest,
    ...(expiration === undefined ? {} : { expiration }),
    ...(kept.length === 0 ? {} : { headers: copyWireTypes(headers, Object.fromEntries(kept)) }),
  }
  return { ...originOf(message), ...to, body: message.body, properties }
}

/** Headers that a quorum queue adds to a message that was inspected. */
const ofQueue = new Set(['x-delivery-count', 'x-acquired-count'])

/** Where the message was published, by the headers of its copy. */
export function originOf({ routingKey, properties: { headers } }: Message): { exchange: string; routingKey: string } {
  return {
    exchange: text(headers?.['x-warren-exchange']) ?? '',
    routingKey: text(headers?.['x-warren-routing-key']) ?? routingKey,
  }
}

/** A hash of the message, so that it is the same in every listing. Identical copies share it. */
export function quarantineId(message: Message): string {
  const { exchange, routingKey } = originOf(message)
  const { headers, messageId, timestamp } = message.properties
  const envelope = [exchange, routingKey, messageId, timestamp, headers?.['x-warren-offset']]
  // Another program may have written the offset header, so it may be any value.
  return createHash('sha256')
    .update(printJson(envelope) ?? '')
    .update(message.body)
    .digest('hex')
    .slice(0, 10)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
