import type { WindowEntry } from '../../../core/ports/hot-window.ts'

/**
 * AMQP 0-9-1 §1.2: internal-error. RabbitMQ 4.0 says it where a message cannot be turned into AMQP
 * 0-9-1.
 */
const internalError = 541

/**
 * Whether RabbitMQ ended a connection or a channel because of a failure of its own. No ordinary
 * outage does: that is 320, or no word at all.
 */
export function isInternalError(reason: unknown): boolean {
  return typeof reason === 'object' && reason !== null && 'code' in reason && reason.code === internalError
}

/**
 * What stands for a message of which only the offset is known. The same on every replica, for a
 * cursor may name it.
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
