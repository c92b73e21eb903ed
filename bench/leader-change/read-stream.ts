import type { ChannelModel } from 'amqplib'

const end = 'end'
const prefetch = 500

/** Resolves to the numbers in the stream, from its beginning. */
export async function readNumbers(connection: ChannelModel, stream: string): Promise<Set<number>> {
  const marking = await connection.createConfirmChannel()
  marking.sendToQueue(stream, Buffer.from(end))
  await marking.waitForConfirms()
  await marking.close()

  const channel = await connection.createChannel()
  await channel.prefetch(prefetch)
  const numbers = new Set<number>()
  await new Promise<void>((resolve, reject) => {
    channel.on('error', reject)
    const taken = (text: string): void => {
      if (text === end) resolve()
      else if (/^\d+$/.test(text)) numbers.add(Number(text))
    }
    channel
      .consume(
        stream,
        (message) => {
          if (message === null) return reject(new Error(`RabbitMQ cancelled the consumer of ${stream}`))
          channel.ack(message)
          taken(message.content.toString())
        },
        { arguments: { 'x-stream-offset': 'first' } },
      )
      .catch(reject)
  })
  await channel.close()
  return numbers
}
