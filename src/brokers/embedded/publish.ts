import type { Message, MessageProperties } from '../../core/model/message.ts'
import { newMessageId } from '../../core/model/message-id.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayPublication } from '../driver.ts'
import { unknownExchange, unroutable } from '../refusals.ts'
import type { EmbeddedBroker } from './broker.ts'

/**
 * Routes one publication, or throws what `Broker.publish` rejects with. What is delivered is a
 * copy, as over a wire.
 */
export function publishIn(broker: EmbeddedBroker, defaultExchange: string, publication: GatewayPublication): void {
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

/**
 * Written out: a spread makes a hidden class for each object that it makes, which the journal would
 * keep with it.
 */
function copy(given: MessageProperties): MessageProperties {
  return {
    contentType: given.contentType,
    contentEncoding: given.contentEncoding,
    messageId: given.messageId ?? newMessageId(),
    type: given.type,
    // AMQP carries whole seconds.
    timestamp: given.timestamp === undefined ? undefined : Math.floor(given.timestamp / 1000) * 1000,
    correlationId: given.correlationId,
    replyTo: given.replyTo,
    expiration: given.expiration,
    userId: given.userId,
    appId: given.appId,
    priority: given.priority,
    headers: given.headers && structuredClone(given.headers),
  }
}
