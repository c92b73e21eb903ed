import { createHash } from 'node:crypto'
import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import { bufferedExchange } from '../../../core/publishing/buffered-message.ts'
import { GatewayError } from '../../../errors.ts'
import { ensureExchange } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'

/**
 * The queue of an exchange's buffered sources. If the exchange's name is too long, the name
 * contains its hash.
 */
export function bufferQueueName(namespace: string, exchange: string): string {
  const name = `${namespace}.buffer.${exchange}`
  if (Buffer.byteLength(name) <= maxShortStringBytes) return name
  return `${namespace}.buffer.${createHash('sha256').update(exchange).digest('hex').slice(0, 32)}`
}

/**
 * Declares the queue, and the exchange that leads from it to the journal. A single active consumer
 * keeps the order. By default RabbitMQ 4 drops a message that was returned 20 times, and each
 * restart of a gateway returns all of them.
 * https://www.rabbitmq.com/docs/quorum-queues#poison-message-handling
 */
export async function declareBuffer(connection: ChannelModel, namespace: string, exchange: string): Promise<void> {
  await ensureExchange(connection, bufferedExchange(namespace), 'fanout')
  const queue = bufferQueueName(namespace, exchange)
  const options = {
    durable: true,
    arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true, 'x-delivery-limit': 2 ** 31 - 1 },
  }
  try {
    await onChannel(connection, (channel) => channel.assertQueue(queue, options))
  } catch (error) {
    if (!repliedWith(error, replyCodes.preconditionFailed)) throw error
    throw new GatewayError(
      'SOURCE_CONFLICT',
      `queue "${queue}" exists with other arguments than a buffered source needs: delete it when it is empty`,
      { cause: error },
    )
  }
}
