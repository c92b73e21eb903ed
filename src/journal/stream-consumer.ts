import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib'
import { fingerprintOf } from '../core/cursor.ts'
import type { JournalMessage } from '../core/message.ts'
import { GatewayError } from '../errors.ts'

/** Messages in flight; RabbitMQ demands a bound on a stream. */
const prefetchMessages = 500
/** Acknowledged together, at the latest after this many messages or milliseconds: doubles what one consumer reads. */
const ackEveryMessages = 200
const ackEveryMs = 200

/** Where to begin: an exact offset, or the chunk that holds a moment. */
export type StreamStart = number | { readonly timestampMs: number }

/** Who reads a stream. None of these may throw. */
export interface StreamVisitor {
  /** Each entry, in order of offset. */
  take(entry: JournalMessage): void
  /** Before an entry: retention took what stood between it and the one before, or it is not certain that it didn't. */
  onOvertaken(): void
  /** Called once, where the broker ends it (cancel, channel or connection closed). */
  onEnd(error: Error): void
}

export interface StreamConsumer {
  /** Stops; nothing is handed over afterwards. */
  close(): void
}

/**
 * Consumes a stream in order on a channel of its own. Rejects with `SOURCE_CONFLICT` where the queue is of another type.
 *
 * A reader that retention overtakes goes on at the oldest segment that is left, and RabbitMQ doesn't say so. Every segment begins with a hole of its
 * own, so that a hole alone means nothing: at each, reading waits until it is known whether the entry before is still there. If so,
 * then so is everything behind it, for retention takes the oldest first.
 * https://www.rabbitmq.com/docs/streams#consuming
 */
export async function consumeStream(
  connection: ChannelModel,
  stream: string,
  start: StreamStart,
  visitor: StreamVisitor,
): Promise<StreamConsumer> {
  const channel = await connection.createChannel()
  let open = true
  let unacked: ConsumeMessage | undefined
  let count = 0
  let last: JournalMessage | undefined
  /** What came since a hole that is being looked into; bounded by the prefetch, for it is not acknowledged. */
  let held: ConsumeMessage[] | undefined

  const end = (error: Error): void => {
    if (!open) return
    open = false
    clearInterval(timer)
    visitor.onEnd(error)
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

  const take = (message: ConsumeMessage, entry: JournalMessage | undefined): void => {
    unacked = message
    count += 1
    if (entry) {
      last = entry
      visitor.take(entry)
    }
    if (count >= ackEveryMessages) acknowledge()
  }
  const receive = (message: ConsumeMessage): void => {
    const entry = entryOf(message, stream)
    if (entry && last && entry.offset > last.offset + 1) {
      held = [message]
      void lookInto(last)
    } else take(message, entry)
  }
  const lookInto = async (before: JournalMessage): Promise<void> => {
    let intact: boolean
    try {
      intact = await stillThere(connection, stream, before)
    } catch (error) {
      return end(error instanceof Error ? error : new Error(String(error)))
    }
    if (!open) return
    const [first, ...rest] = held ?? []
    held = undefined
    if (!intact) visitor.onOvertaken()
    if (first) take(first, entryOf(first, stream))
    // What has come by now was read before the answer: if that is yes, then it holds for every hole in it.
    for (const message of rest) {
      if (intact && open) take(message, entryOf(message, stream))
      else hand(message)
    }
  }
  /** To the visitor, or to what waits behind a hole. */
  const hand = (message: ConsumeMessage): void => {
    if (!open) return
    if (held) held.push(message)
    else receive(message)
  }

  try {
    await channel.prefetch(prefetchMessages)
    await channel.consume(
      stream,
      (message) => {
        if (!open) return
        if (!message) {
          end(new Error(`RabbitMQ cancelled the consumer of stream "${stream}": it was deleted, or lost its node`))
        } else hand(message)
      },
      { noAck: false, arguments: { 'x-stream-offset': offsetArgument(start) } },
    )
  } catch (error) {
    open = false
    clearInterval(timer)
    throw explain(error, stream)
  }
  return {
    close() {
      if (!open) return
      open = false
      clearInterval(timer)
      closeQuietly(channel)
    },
  }
}

/** Reads at the entry's offset and expects that very entry. */
async function stillThere(connection: ChannelModel, stream: string, entry: JournalMessage): Promise<boolean> {
  const channel = await connection.createChannel()
  try {
    return await new Promise<boolean>((resolve, reject) => {
      channel.on('error', reject)
      channel.on('close', () => reject(new Error('the channel was closed')))
      const compare = (message: ConsumeMessage | null): void => {
        const found = message ? entryOf(message, stream) : undefined
        if (found && found.offset < entry.offset) return
        resolve(found?.offset === entry.offset && fingerprintOf(found) === fingerprintOf(entry))
      }
      channel
        .prefetch(1)
        .then(() =>
          channel.consume(stream, compare, { arguments: { 'x-stream-offset': offsetArgument(entry.offset) } }),
        )
        .catch(reject)
    })
  } finally {
    closeQuietly(channel)
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

/** Doesn't wait: amqplib never settles a close when the connection is lost meanwhile. */
function closeQuietly(channel: Channel): void {
  tryTo(() => void channel.close().catch(() => undefined))
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
    decoded: undefined,
    known: undefined,
    fates: undefined,
    place: 0,
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
