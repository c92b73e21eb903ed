import { ensureExchange } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'

/** The maximum size in bytes. Beyond it RabbitMQ drops the oldest messages. */
const maxBytes = 1024 ** 3
/**
 * Reading a message without removing it returns it to the queue. By default RabbitMQ 4 drops a
 * message that was returned 20 times.
 */
const deliveryLimit = 2 ** 31 - 1

/**
 * Declares a durable fanout exchange and a durable queue of the same name, and binds them.
 * `<namespace>.quarantine` receives what the gateway cannot deliver. `<namespace>.dead` receives
 * what the subscribers of a Distributor rejected. Operators read both queues. An existing queue is
 * used as it is.
 */
export async function declareDeadLetterQueue(connection: ChannelModel, name: string): Promise<void> {
  await ensureExchange(connection, name, 'fanout')
  try {
    await onChannel(connection, (channel) => channel.checkQueue(name))
  } catch (error) {
    if (!repliedWith(error, replyCodes.notFound)) throw error
    const options = {
      arguments: { 'x-queue-type': 'quorum', 'x-max-length-bytes': maxBytes, 'x-delivery-limit': deliveryLimit },
    }
    await onChannel(connection, (channel) => channel.assertQueue(name, options))
  }
  await onChannel(connection, (channel) => channel.bindQueue(name, name, ''))
}
