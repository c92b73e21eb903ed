import { toDate } from '../../core/body/to-date.ts'
import type { Message } from '../../core/model/message.ts'
import { originOf, quarantineId } from '../../core/quarantine/quarantined-message.ts'
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
    id: quarantineId(message),
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

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
