import type { Message, MessageProperties } from '../../core/model/message.ts'
import { newMessageId } from '../../core/model/message-id.ts'
import { GatewayError } from '../../errors.ts'
import type { GatewayPublication } from '../driver.ts'
import { unknownExchange, unroutable } from '../refusals.ts'
import type { EmbeddedBroker } from './broker.ts'

/**
 * Routes one message, or throws the error that `Broker.publish` rejects with. Destinations copy the
 * body before they return, because the caller may use its memory again, as over a network.
 */
export function publishTo(broker: EmbeddedBroker, defaultExchange: string, publication: GatewayPublication): void {
  const { exchange = defaultExchange, routingKey, body, properties, mandatory = true } = publication
  const destinations = broker.route(exchange, routingKey)
  if (!destinations) throw unknownExchange(exchange)
  if (destinations.size === 0 && mandatory) throw unroutable(exchange, routingKey)
  for (const destination of destinations) {
    const refusal = destination.refusal?.(body.length)
    if (refusal !== undefined) throw new GatewayError('BROKER_UNAVAILABLE', refusal)
  }
  const message: Message = {
    exchange,
    routingKey,
    body,
    properties: copy(properties),
    redelivered: false,
    receivedAt: Date.now(),
  }
  for (const destination of destinations) destination.deliver(message)
}

/**
 * Copies field by field, because a spread creates a hidden class for each object, which the journal
 * would keep in memory.
 */
function copy(given: MessageProperties): MessageProperties {
  return {
    contentType: given.contentType,
    contentEncoding: given.contentEncoding,
    messageId: given.messageId ?? newMessageId(),
    type: given.type,
    // AMQP timestamps are whole seconds.
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
