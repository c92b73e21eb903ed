import type { Channel, ChannelModel } from '../connection/amqp.ts'

/**
 * Gives one piece of work a channel of its own: a refusal ends the channel that it came on, and
 * must end nothing else.
 */
export async function onChannel<Result>(
  connection: ChannelModel,
  work: (channel: Channel) => Promise<Result>,
): Promise<Result> {
  const channel = await connection.createChannel()
  let ended = false
  // The promise of amqplib's close never settles where the connection is lost meanwhile; this event
  // is not told of a channel that has ended by now.
  const over = new Promise<void>((resolve) => {
    channel.on('close', () => {
      ended = true
      resolve()
    })
  })
  // RabbitMQ has ended the channel; the rejected call says why. Closing it in here would cost the
  // connection (504).
  channel.on('error', () => {
    ended = true
  })
  try {
    return await work(channel)
  } finally {
    // What was acknowledged on it has been taken by then.
    if (!ended) await Promise.race([channel.close().catch(() => {}), over])
  }
}
