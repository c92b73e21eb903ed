import { badInput, GatewayError } from '../errors.ts'

/** The same mistake gets the same message from every broker. */

export function unknownExchange(exchange: string): GatewayError {
  return badInput('exchange', `"${exchange}" does not exist`)
}

export function unroutable(exchange: string, routingKey: string): GatewayError {
  return badInput('routingKey', `"${routingKey}" is unroutable: no binding of exchange "${exchange}" matches it`)
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

/** `current` and `wanted` are exchange types as AMQP spells them. */
export function otherExchangeType(exchange: string, current: string, wanted: string): GatewayError {
  return new GatewayError(
    'SOURCE_CONFLICT',
    `exchange "${exchange}" is a ${current} exchange, not ${wanted}: set exchangeType: ${current.toUpperCase()}`,
  )
}

/**
 * Exchange types of plugins that route each message to one of their queues. A source bound to such
 * an exchange would take messages away from the other queues.
 */
const sharingTypes = ['x-consistent-hash', 'x-modulus-hash', 'x-random', 'x-local-random']

export function unsuitableExchangeType(exchange: string, current: string): GatewayError {
  const why = sharingTypes.includes(current)
    ? 'which routes each message to one of its queues, so a source would take messages away from the others: use the exchange that feeds it as the source'
    : 'and a source cannot rely on its routing: bind a topic, direct, fanout or headers exchange to it, and use that one as the source'
  return new GatewayError('SOURCE_CONFLICT', `exchange "${exchange}" is of type ${current}, ${why}`)
}

export function reservedExchange(exchange: string): GatewayError {
  return new GatewayError(
    'SOURCE_CONFLICT',
    `exchange "${exchange}" does not exist and cannot be declared, because RabbitMQ reserves names that begin with "amq.": choose another name`,
  )
}
