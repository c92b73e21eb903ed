import { AmqpDriver } from '../../brokers/rabbitmq/driver.ts'

/** RabbitMQ in the clear, `amqp://user:password@host:5672/vhost`. */
export default class extends AmqpDriver {
  static readonly scheme = 'amqp:'
}
