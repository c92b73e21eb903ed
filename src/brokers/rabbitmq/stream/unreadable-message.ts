import type { WindowEntry } from '../../../core/ports/hot-window.ts'

/**
 * AMQP 0-9-1 §1.2: internal-error. RabbitMQ 4.0 sends it if a message cannot be converted to AMQP
 * 0-9-1.
 */
const internalError = 541

/**
 * Whether RabbitMQ closed a connection or a channel because of its own failure. An ordinary outage
 * has code 320 or no code.
 */
export function isInternalError(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === internalError
}

/**
 * The entry for a message of which only the offset is known. It is the same on every replica,
 * because a cursor may name it.
 */
export function unreadableAt(offset: number): WindowEntry {
  return {
    offset,
    mark: false,
    unreadable: true,
    exchange: '',
    routingKey: '',
    body: Buffer.alloc(0),
    properties: {},
    redelivered: false,
    receivedAt: Date.now(),
    decoded: undefined,
    known: undefined,
    outcomes: undefined,
    slot: 0,
  }
}
