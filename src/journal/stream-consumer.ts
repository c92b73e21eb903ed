import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import type { JournalMessage } from '../core/message.ts'
import { GatewayError } from '../errors.ts'

/** Messages in flight; RabbitMQ demands a bound on a stream. */
const prefetchMessages = 500
/** Acknowledged together, at the latest after this many messages or milliseconds: doubles what one consumer reads. */
const ackEveryMessages = 100
const ackEveryMs = 200

/** Where to begin: an exact offset, or the chunk that holds a moment. */
export type StreamStart = number | { readonly timestampMs: number }

export interface StreamConsumer {
  /** Stops; nothing is handed over afterwards. */
  close(): Promise<void>
}

/**
 * Consumes a stream in order on a channel of its own. `onEnd` is called once, where the broker ends it (cancel, channel or
 * connection closed). `take` must not throw. Rejects with `SOURCE_CONFLICT` where the queue is of another type.
 * https://www.rabbitmq.com/docs/streams#consuming
 */
export async function consumeStream(
  connection: ChannelModel,
  stream: string,
  start: StreamStart,
  take: (entry: JournalMessage) => void,
  onEnd: (error: Error) => void,
): Promise<StreamConsumer> {
  const channel = await connection.createChannel()
  let open = true
  let unacked: ConsumeMessage | undefined
  let count = 0

  const end = (error: Error): void => {
    if (!open) return
    open = false
    clearInterval(timer)
    onEnd(error)
  }
  const acknowledge = (): void => {
    const message = unacked
    if (!message || !open) return
    unacked = undefined
    count = 0
    tryTo(() => channel.ack(message, true))
  }
  const timer = setInterval(acknowledge, ackEveryMs)
  timer.unref()
  channel.on('error', (error: Error) => end(explain(error, stream)))
  channel.on('close', () => end(new Error('the channel was closed')))

  try {
    await channel.prefetch(prefetchMessages)
    await channel.consume(
      stream,
      (message) => {
        if (!open) return
        if (!message) {
          end(new Error(`RabbitMQ cancelled the consumer of stream "${stream}": it was deleted, or lost its node`))
          return
        }
        unacked = message
        count += 1
        const entry = entryOf(message, stream)
        if (entry) take(entry)
        if (count >= ackEveryMessages) acknowledge()
      },
      { noAck: false, arguments: { 'x-stream-offset': offsetArgument(start) } },
    )
  } catch (error) {
    open = false
    clearInterval(timer)
    throw explain(error, stream)
  }
  return {
    close: async () => {
      if (!open) return
      open = false
      clearInterval(timer)
      await closeQuietly(channel)
    },
  }
}

function offsetArgument(start: StreamStart): unknown {
  if (typeof start === 'number') return start === 0 ? 'first' : start
  return { '!': 'timestamp', value: Math.floor(start.timestampMs / 1000) }
}

/** RabbitMQ can't be asked for the type of a queue; it tells when a queue that is no stream is consumed as one. */
function explain(error: unknown, stream: string): Error {
  if (!/invalid arg 'x-stream-offset'/.test(String(error)))
    return error instanceof Error ? error : new Error(String(error))
  return new GatewayError(
    'SOURCE_CONFLICT',
    `queue "${stream}" exists in RabbitMQ and is no stream, as the journal needs it: delete it, or set another WARREN_NAMESPACE`,
    { cause: error },
  )
}

/** amqplib throws at once on a channel that is closing; the session's end is told elsewhere. */
function tryTo(act: () => void): void {
  try {
    act()
  } catch {
    // The channel is closing, and with it goes what was not acknowledged: a stream forgets nothing.
  }
}

async function closeQuietly(channel: Channel): Promise<void> {
  try {
    await channel.close()
  } catch {
    // Closed already, by the broker or with its connection.
  }
}

/** Marks are what was published straight to the stream, through the default exchange. */
function entryOf({ content, fields, properties }: ConsumeMessage, stream: string): JournalMessage | undefined {
  const { 'x-stream-offset': offset, ...headers } = (properties.headers ?? {}) as Record<string, unknown>
  if (typeof offset !== 'number') return undefined
  return {
    offset,
    mark: fields.exchange === '' && fields.routingKey === stream,
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    body: content,
    redelivered: false, // a stream's flag speaks of this consumer's connection, not of the message
    receivedAt: Date.now(),
    properties: {
      contentType: text(properties.contentType),
      contentEncoding: text(properties.contentEncoding),
      messageId: text(properties.messageId),
      type: text(properties.type),
      timestamp: typeof properties.timestamp === 'number' ? properties.timestamp * 1000 : undefined,
      correlationId: text(properties.correlationId),
      replyTo: text(properties.replyTo),
      expiration: text(properties.expiration),
      userId: text(properties.userId),
      appId: text(properties.appId),
      priority: typeof properties.priority === 'number' ? properties.priority : undefined,
      headers,
    },
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
