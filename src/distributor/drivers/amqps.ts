import { RabbitDriver } from '../../brokers/rabbitmq/driver.ts'

/**
 * RabbitMQ over TLS: `amqps://user:password@host:5671/vhost`. `cacertfile` in the URL or
 * NODE_EXTRA_CA_CERTS adds certificate authorities.
 */
export default class extends RabbitDriver {
  static readonly scheme = 'amqps:'
}
