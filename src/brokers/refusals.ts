import { badInput, GatewayError } from '../errors.ts'

/** The same mistake is answered with the same sentence, whichever broker it is made on. */

export function unknownExchange(exchange: string): GatewayError {
  return badInput('exchange', `there is no exchange "${exchange}"`)
}

export function unroutable(exchange: string, routingKey: string): GatewayError {
  return badInput('routingKey', `"${routingKey}" is bound to nothing on exchange "${exchange}"`)
}

export function tooLarge(bytes: number, maxBytes: number): GatewayError {
  return new GatewayError('PAYLOAD_TOO_LARGE', `the message has ${bytes} bytes, ${maxBytes} are allowed`)
}

export function bufferFull(maxBytes: number, maxMessages: number, reason: string): GatewayError {
  return new GatewayError(
    'BROKER_UNAVAILABLE',
    `too many publications wait for RabbitMQ (${maxMessages} or ${maxBytes} bytes): ${reason}; publish again later`,
  )
}

/** `current` and `wanted` are types as AMQP spells them. */
export function otherExchangeType(exchange: string, current: string, wanted: string): GatewayError {
  return new GatewayError(
    'SOURCE_CONFLICT',
    `exchange "${exchange}" is a ${current} exchange, not ${wanted}: say exchangeType: ${current.toUpperCase()}`,
  )
}

/**
 * Types of plugins that give a message to one of their queues: a source would take messages away
 * from the others.
 */
const sharingTypes = ['x-consistent-hash', 'x-modulus-hash', 'x-random', 'x-local-random']

export function unsuitableExchangeType(exchange: string, current: string): GatewayError {
  const why = sharingTypes.includes(current)
    ? 'which gives each message to one of its queues, so that a source would take messages away from the others: make the exchange that feeds it the source'
    : 'whose routing a source cannot rely on: bind a topic, direct, fanout or headers exchange to it, and make that one the source'
  return new GatewayError('SOURCE_CONFLICT', `exchange "${exchange}" is of type ${current}, ${why}`)
}

export function reservedExchange(exchange: string): GatewayError {
  return new GatewayError(
    'SOURCE_CONFLICT',
    `exchange "${exchange}" does not exist and cannot be made, for RabbitMQ keeps names that begin with "amq." to itself: choose another name`,
  )
}
