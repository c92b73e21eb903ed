import { randomUUID } from 'node:crypto'
import type { Message, MessageProperties } from '../../core/message.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayPublication } from '../driver.ts'
import { unknownExchange, unroutable } from '../refusals.ts'
import type { MemoryBroker } from './memory-broker.ts'

/** Routes one publication, or throws what `Broker.publish` rejects with. What is delivered is a copy, as over a wire. */
export function publishIn(broker: MemoryBroker, defaultExchange: string, publication: GatewayPublication): void {
  const { exchange = defaultExchange, routingKey, body, properties, mandatory = true } = publication
  const sinks = broker.route(exchange, routingKey)
  if (!sinks) throw unknownExchange(exchange)
  if (sinks.size === 0 && mandatory) throw unroutable(exchange, routingKey)
  for (const sink of sinks) {
    const refusal = sink.refusal?.(body.length)
    if (refusal !== undefined) throw new GatewayError('BROKER_UNAVAILABLE', refusal)
  }
  const message: Message = {
    exchange,
    routingKey,
    body: Buffer.from(body),
    properties: copy(properties),
    redelivered: false,
    receivedAt: Date.now(),
  }
  for (const sink of sinks) sink.take(message)
}

function copy(properties: MessageProperties): MessageProperties {
  const copied = { ...properties, messageId: properties.messageId ?? randomUUID() }
  if (properties.headers) copied.headers = structuredClone(properties.headers)
  // AMQP carries whole seconds.
  return properties.timestamp === undefined
    ? copied
    : { ...copied, timestamp: Math.floor(properties.timestamp / 1000) * 1000 }
}
