import { RabbitDriver } from '../../brokers/rabbitmq/driver.ts'

/** RabbitMQ without TLS: `amqp://user:password@host:5672/vhost`. */
export default class extends RabbitDriver {
  static readonly scheme = 'amqp:'
}
