import { randomUUID } from 'node:crypto'
import { mayBeCompressed } from '../../../core/body/content-encoding.ts'
import { TimeSlice } from '../../../core/delivery/time-slice.ts'
import { fingerprintOf } from '../../../core/model/cursor.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { WindowEntry } from '../../../core/ports/hot-window.ts'
import { bufferedExchange, unbuffered } from '../../../core/publishing/buffered-message.ts'
import { GatewayError } from '../../../errors.ts'
import type { Channel, ConsumeMessage } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import type { Delivery } from '../message/delivery-reader.ts'

/** On whose connection a stream is read. */
type StreamSession = Pick<ConnectionSession, 'connection' | 'deliveries'>

/** Messages in flight; RabbitMQ demands a bound on a stream. */
const prefetchMessages = 500
/**
 * Acknowledged together, at the latest after this many messages or milliseconds: doubles what one
 * consumer reads.
 */
const ackEveryMessages = 200
const ackEveryMs = 200

/** Where to begin: an exact offset, behind all that is there, or the chunk that holds a moment. */
export type StreamStart = number | 'next' | { readonly timestampMs: number }

export interface StreamReading {
  /**
   * The entry before `start`, where one was read: if the next one is not its neighbour, it must
   * still be there.
   */
  readonly after?: WindowEntry | undefined
  /**
   * Messages in flight. With 1, each is acknowledged at once, and RabbitMQ reads none before the
   * one in front of it has arrived.
   */
  readonly prefetch?: number
  /** RabbitMQ has accepted the consumer. */
  readonly onConsuming?: () => void
}

/** Who reads a stream. None of these may throw. */
export interface StreamVisitor {
  /** Each entry, in order of offset. */
  take(entry: WindowEntry): void
  /**
   * Before an entry: retention took what stood between it and the one before, or it is not certain
   * that it didn't.
   */
  onOvertaken(): void
  /** Called once, where the broker ends it (cancel, channel or connection closed). */
  onEnd(error: Error): void
}

export interface StreamConsumer {
  /** Stops; nothing is handed over afterwards. */
  close(): void
}

/**
 * Consumes a stream in order on a channel of its own. Rejects with `SOURCE_CONFLICT` where the
 * queue is of another type.
 *
 * A reader that retention overtakes goes on at the oldest segment that is left, and RabbitMQ
 * doesn't say so. Every segment begins with a hole of its own, so that a hole alone means nothing:
 * at each, reading waits until it is known whether the entry before is still there. If so, then so
 * is everything behind it, for retention takes the oldest first.
 * https://www.rabbitmq.com/docs/streams#consuming
 */
export async function consumeStream(
  { connection, deliveries }: StreamSession,
  stream: string,
  start: StreamStart,
  visitor: StreamVisitor,
  { after, prefetch = prefetchMessages, onConsuming }: StreamReading = {},
): Promise<StreamConsumer> {
  const channel = await connection.createChannel()
  let open = true
  /** The tag of the last message that was taken and is not acknowledged. */
  let unacked: number | undefined
  let count = 0
  let last = after
  /**
   * What came since a hole that is being looked into; bounded by the prefetch, for it is not
   * acknowledged.
   */
  let held: Delivery[] | undefined

  const stop = (): void => {
    open = false
    clearInterval(timer)
    stopTaking()
  }
  const end = (error: Error): void => {
    if (!open) return
    stop()
    visitor.onEnd(error)
  }
  const acknowledge = (): void => {
    const tag = unacked
    if (tag === undefined || !open) return
    unacked = undefined
    count = 0
    // amqplib reads nothing else of a message.
    tryTo(() => channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, true))
  }
  const timer = setInterval(acknowledge, ackEveryMs)
  timer.unref()
  channel.on('error', (error: Error) => end(explain(error, stream)))
  channel.on('close', () => end(new Error('the channel was closed')))

  const take = ({ deliveryTag }: Delivery, entry: WindowEntry | undefined): void => {
    unacked = deliveryTag
    count += 1
    if (entry) {
      last = entry
      visitor.take(entry)
    }
    if (count >= ackEveryMessages || prefetch === 1) acknowledge()
  }
  const receive = (message: Delivery): void => {
    const entry = entryOf(message, stream)
    if (entry && last && entry.offset > last.offset + 1) {
      held = [message]
      void lookInto(last)
    } else if (mayBeCompressed(message.properties.contentEncoding)) takeCompressed(message, entry)
    else take(message, entry)
  }
  /**
   * A few bytes may stand for megabytes: when one has taken its time, what came with it waits for
   * the next turn.
   */
  const takeCompressed = (message: Delivery, entry: WindowEntry | undefined): void => {
    const slice = new TimeSlice()
    take(message, entry)
    if (!slice.isOver || !open) return
    held = []
    setImmediate(() => {
      const rest = held ?? []
      held = undefined
      for (const waiting of rest) hand(waiting)
    })
  }
  const lookInto = async (before: WindowEntry): Promise<void> => {
    let intact: boolean
    try {
      intact = await stillThere({ connection, deliveries }, stream, before)
    } catch (error) {
      return end(asError(error))
    }
    if (!open) return
    const [first, ...rest] = held ?? []
    held = undefined
    if (!intact) visitor.onOvertaken()
    if (first) take(first, entryOf(first, stream))
    // What has come by now was read before the answer: if that is yes, then it holds for every hole
    // in it.
    for (const message of rest) {
      if (intact && open) take(message, entryOf(message, stream))
      else hand(message)
    }
  }
  /** To the visitor, or to what waits behind a hole. */
  const hand = (message: Delivery): void => {
    if (!open) return
    if (held) held.push(message)
    else receive(message)
  }

  const consumerTag = randomUUID()
  const stopTaking = deliveries.intercept(consumerTag, hand)
  try {
    await channel.prefetch(prefetch)
    await channel.consume(
      stream,
      // Only a cancellation comes this way.
      () => end(new Error(`RabbitMQ cancelled the consumer of stream "${stream}": it was deleted, or lost its node`)),
      { consumerTag, noAck: false, arguments: { 'x-stream-offset': offsetArgument(start) } },
    )
    onConsuming?.()
  } catch (error) {
    stop()
    throw explain(error, stream)
  }
  return {
    close() {
      if (!open) return
      stop()
      closeQuietly(channel)
    },
  }
}

/** Reads at the entry's offset and expects that very entry. */
async function stillThere(
  { connection, deliveries }: StreamSession,
  stream: string,
  entry: WindowEntry,
): Promise<boolean> {
  const channel = await connection.createChannel()
  const consumerTag = randomUUID()
  let stopTaking = (): void => undefined
  try {
    return await new Promise<boolean>((resolve, reject) => {
      channel.on('error', reject)
      channel.on('close', () => reject(new Error('the channel was closed')))
      stopTaking = deliveries.intercept(consumerTag, (message) => {
        const found = entryOf(message, stream)
        if (found && found.offset < entry.offset) return
        resolve(found?.offset === entry.offset && fingerprintOf(found) === fingerprintOf(entry))
      })
      const cancelled = (): void => resolve(false)
      channel
        .prefetch(1)
        .then(() =>
          channel.consume(stream, cancelled, {
            consumerTag,
            arguments: { 'x-stream-offset': offsetArgument(entry.offset) },
          }),
        )
        .catch(reject)
    })
  } finally {
    stopTaking()
    closeQuietly(channel)
  }
}

function offsetArgument(start: StreamStart): unknown {
  if (start === 'next') return start
  if (typeof start === 'number') return start === 0 ? 'first' : start
  return { '!': 'timestamp', value: Math.floor(start.timestampMs / 1000) }
}

/**
 * RabbitMQ can't be asked for the type of a queue; it tells when a queue that is no stream is
 * consumed as one.
 */
function explain(error: unknown, stream: string): Error {
  if (!/invalid arg 'x-stream-offset'/.test(String(error))) return asError(error)
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

/**
 * Marks are what a gateway published to the stream: through the exchange of the stream's name, or
 * through the default exchange, as replicas up to 0.1 do.
 */
function entryOf(delivery: Delivery, stream: string): WindowEntry | undefined {
  const { streamOffset, exchange, routingKey } = delivery
  if (streamOffset === undefined) return undefined
  const moved = exchange === bufferedExchangeOf(stream) ? unbuffered(delivery.properties) : undefined
  return {
    offset: streamOffset,
    mark: (exchange === '' || exchange === stream) && routingKey === stream,
    exchange: moved ? moved.exchange : exchange,
    routingKey,
    body: delivery.body,
    // A stream's own flag speaks of this consumer's connection, not of the message.
    redelivered: moved ? moved.redelivered : false,
    buffered: moved !== undefined,
    receivedAt: Date.now(),
    decoded: undefined,
    known: undefined,
    outcomes: undefined,
    slot: 0,
    properties: moved ? moved.properties : delivery.properties,
  }
}

const journalSuffix = '.journal'
const bufferedExchanges = new Map<string, string>()

/** Of the namespace that the stream's name begins with; remembered, because every message asks. */
function bufferedExchangeOf(stream: string): string {
  let name = bufferedExchanges.get(stream)
  if (name === undefined) {
    name = bufferedExchange(stream.endsWith(journalSuffix) ? stream.slice(0, -journalSuffix.length) : stream)
    bufferedExchanges.set(stream, name)
  }
  return name
}
