import type { Channel, ChannelModel } from 'amqplib'

/**
 * Gives one piece of work a channel of its own: a refusal ends the channel that it came on, and must end nothing else.
 * The close is not waited for: amqplib never settles it when the connection is lost meanwhile.
 */
export async function onChannel<Result>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await connection.createChannel()
  let ended = false
  // RabbitMQ has ended the channel; the rejected call says why. Closing it in here would cost the connection (504).
  channel.on('error', () => {
    ended = true
  })
  channel.on('close', () => {
    ended = true
  })
  try {
    return await work(channel)
  } finally {
    if (!ended) channel.close().catch(() => {})
  }
}
