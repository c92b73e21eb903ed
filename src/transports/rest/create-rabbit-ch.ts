import { GatewayError } from '../../errors.ts'
import type { Route } from './route.ts'

/**
 * The old publisher had to be asked once to consume from RabbitMQ. The gateway does so from its
 * start, so this route only reports whether RabbitMQ can be reached.
 */
export const createRabbitCh: Route = {
  path: '/v1/create-rabbit-ch',
  method: 'GET',
  deprecated: true,
  async answer(_request, { gateway, defaultSource }) {
    const { id, exchange, exchangeType, routingKey } = await gateway.createSource(defaultSource)
    if (!gateway.up) {
      throw new GatewayError(
        'BROKER_UNAVAILABLE',
        'RabbitMQ cannot be reached; the gateway has stored the source and declares it as soon as RabbitMQ is back',
      )
    }
    return { status: 200, body: { status: 'ok', id, exchange, exchangeType, routingKey } }
  },
}
