import { createHash } from 'node:crypto'
import { copyWireTypes } from '../../core/body/amqp-field-types.ts'
import { toDate } from '../../core/body/to-date.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { Message, MessageProperties, Publication } from '../../core/model/message.ts'
import { firstBytes, printable } from '../printable.ts'

const previewBytes = 120

/** A message in the quarantine, in the form that operators see. */
export interface Quarantined {
  /** A hash of the message, so that it is the same in every listing. Identical copies share it. */
  readonly id: string
  readonly reason: string
  /** The typed field that the message does not fit. Null for every other reason. */
  readonly field: string | null
  /** The JSON pointer to what does not fit; `""` is the whole body. Null if `field` is null. */
  readonly pointer: string | null
  readonly exchange: string
  readonly routingKey: string
  /** When a gateway received it. Null if another program put it in the quarantine. */
  readonly receivedAt: string | null
  /** When it was published, as stated by its publisher. */
  readonly publishedAt: string | null
  readonly bytes: number
  readonly messageId: string | null
  readonly contentType: string | null
  /** The beginning of the body, escaped. */
  readonly body: string
}

export function quarantined(message: Message): Quarantined {
  const { properties, body } = message
  const { exchange, routingKey } = originOf(message)
  return {
    id: idOf(message),
    reason: text(properties.headers?.['x-warren-reason']) ?? 'unknown',
    field: text(properties.headers?.['x-warren-field']) ?? null,
    pointer: text(properties.headers?.['x-warren-pointer']) ?? null,
    exchange,
    routingKey,
    receivedAt: text(properties.headers?.['x-warren-received-at']) ?? null,
    publishedAt: toDate(properties.timestamp)?.toISOString() ?? null,
    bytes: body.length,
    messageId: properties.messageId ?? null,
    contentType: properties.contentType ?? null,
    body: firstBytes(body, previewBytes),
  }
}

/** Two lines for a terminal. */
export function describe(one: Quarantined): string {
  const facts = [
    printable(one.reason),
    one.field === null ? null : `${printable(one.field)} at "${printable(one.pointer ?? '')}"`,
    `${printable(one.exchange)} ${printable(one.routingKey)}`,
    one.receivedAt ?? one.publishedAt,
    `${one.bytes} B`,
    one.contentType === null ? null : printable(one.contentType),
    one.messageId === null ? null : `message id ${printable(one.messageId)}`,
  ]
  return `${one.id}  ${facts.filter((fact) => fact !== null).join('  ')}\n            ${one.body}\n`
}

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

function originOf({ routingKey, properties: { headers } }: Message): { exchange: string; routingKey: string } {
  return {
    exchange: text(headers?.['x-warren-exchange']) ?? '',
    routingKey: text(headers?.['x-warren-routing-key']) ?? routingKey,
  }
}

function idOf(message: Message): string {
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
