import { GatewayError } from '../../errors.ts'
import type { Route } from './route.ts'

/**
 * The old publisher had to be told once to listen on RabbitMQ. The gateway does from its start, so
 * this only says whether it is so.
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
        'RabbitMQ cannot be reached just now; the source is kept for when it can',
      )
    }
    return { status: 200, body: { status: 'ok', id, exchange, exchangeType, routingKey } }
  },
}
