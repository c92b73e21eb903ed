import type { Channel, ChannelModel } from '../connection/amqp.ts'

/**
 * Runs one operation on its own channel, because RabbitMQ closes the channel when it refuses an
 * operation.
 */
export async function onChannel<Result>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await connection.createChannel()
  let closed = false
  // amqplib's `close` never settles if the connection is lost meanwhile, but it emits this event.
  // The event is not emitted again for a channel that is already closed.
  const closeEvent = new Promise<void>((resolve) => {
    channel.on('close', () => {
      closed = true
      resolve()
    })
  })
  // RabbitMQ has closed the channel, and the rejected call has the reason. Closing it again here
  // would cost the connection (504).
  channel.on('error', () => {
    closed = true
  })
  try {
    return await work(channel)
  } finally {
    // RabbitMQ has processed earlier acknowledgements when it answers the close.
    if (!closed) await Promise.race([channel.close().catch(() => {}), closeEvent])
  }
}
