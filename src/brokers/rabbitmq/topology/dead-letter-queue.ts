import { ensureExchange } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'

/**
 * What is set aside is kept for somebody to look at, up to this size in bytes; then the oldest
 * goes.
 */
const maxBytes = 1024 ** 3
/**
 * Whoever looks without taking away returns what he has seen, and RabbitMQ 4 throws away what came
 * back 20 times unless told otherwise.
 */
const deliveryLimit = 2 ** 31 - 1

/**
 * A durable fanout exchange and a durable queue of the same name, bound: `<namespace>.quarantine`
 * for what the gateway cannot deliver, `<namespace>.dead` for what the subscribers of a Distributor
 * could not take. A queue that is there is taken as it is.
 */
export async function declareSetAside(connection: ChannelModel, name: string): Promise<void> {
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
