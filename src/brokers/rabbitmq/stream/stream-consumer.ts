import { randomUUID } from 'node:crypto'
import { mayBeCompressed } from '../../../core/body/content-encoding.ts'
import { TimeSlice } from '../../../core/delivery/time-slice.ts'
import { fingerprintOf } from '../../../core/model/cursor.ts'
import { asError } from '../../../core/model/error-text.ts'
import { withOwnBody } from '../../../core/model/message.ts'
import type { WindowEntry } from '../../../core/ports/hot-window.ts'
import { GatewayError } from '../../../errors.ts'
import type { Channel, ConsumeMessage } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import type { Delivery } from '../message/delivery-reader.ts'
import { entryOf } from './stream-entry.ts'

/** The connection to read on. */
type StreamSession = Pick<ConnectionSession, 'connection' | 'deliveries'>

/** The default prefetch. RabbitMQ requires one on a stream. */
const prefetchMessages = 500
/**
 * Messages are acknowledged together, after this many messages or milliseconds. This doubles the
 * throughput of a consumer.
 */
const ackEveryMessages = 200
const ackEveryMs = 200

/**
 * Where to start: at an exact offset, at the last chunk, after all existing entries, or at the
 * chunk that contains a time.
 */
export type StreamStart = number | 'last' | 'next' | { readonly timestampMs: number }

export interface StreamReading {
  /**
   * Whether `onEntry` stores the body before it returns, and sets `body` to what it stored. The
   * body is then not copied before: it is a part of the read buffer. Default: false.
   */
  readonly isStored?: boolean
  /**
   * The entry before `start`, if it was read. If the next entry is not its neighbour, it must still
   * exist.
   */
  readonly after?: WindowEntry | undefined
  /**
   * Messages in flight. With 1, each message is acknowledged at once, and RabbitMQ reads one only
   * after the previous one has arrived.
   */
  readonly prefetch?: number
  /** Called when RabbitMQ has accepted the consumer. */
  readonly onConsuming?: () => void
  /**
   * Called after `onConsuming`. No entry is passed on until it resolves. If it rejects, reading
   * stops and `consumeStream` rejects.
   */
  readonly confirm?: (() => Promise<void>) | undefined
  /**
   * Called if `start` is an offset and the first entry lies behind it. Either retention has removed
   * what was there, or the stream was deleted and declared again. No entry is passed on until it
   * resolves. If it rejects, the consumer ends.
   */
  readonly confirmMoved?: (() => Promise<void>) | undefined
}

/** The reader of a stream. The callbacks must not throw. */
export interface StreamVisitor {
  /** Called for each entry, in order of offset. The next one waits for the promise, if any. */
  onEntry(entry: WindowEntry): Promise<void> | void
  /**
   * Called before an entry if retention removed, or may have removed, entries between it and the
   * previous one. The entry waits for the promise, if any, which must not reject.
   */
  onTruncated(): Promise<void> | void
  /** Called once if the broker ends the consumer (cancel, channel or connection closed). */
  onEnd(error: Error): void
}

export interface StreamConsumer {
  /** Stops the consumer; no callback is called afterwards. */
  close(): void
}

/**
 * Consumes a stream in order on its own channel. Rejects with `SOURCE_CONFLICT` if the queue has
 * another type.
 *
 * RabbitMQ silently moves a reader that retention overtakes to the oldest remaining segment. Every
 * segment begins with a hole in the offsets, so a hole alone means nothing. At each hole, reading
 * waits for a check whether the previous entry still exists. If it does, everything after it exists
 * too, because retention removes the oldest entries first.
 * https://www.rabbitmq.com/docs/streams#consuming
 */
export async function consumeStream(
  { connection, deliveries }: StreamSession,
  stream: string,
  start: StreamStart,
  visitor: StreamVisitor,
  { isStored = false, after, prefetch = prefetchMessages, onConsuming, confirm, confirmMoved }: StreamReading = {},
): Promise<StreamConsumer> {
  const channel = await connection.createChannel()
  let open = true
  /** The delivery tag of the last message that is not acknowledged. */
  let unacked: number | undefined
  let count = 0
  let last = after
  let isFirst = true
  /**
   * Messages since a hole that is being checked, or before `confirm` resolves. The prefetch limits
   * them, because they are not acknowledged.
   */
  let deferred: Delivery[] | undefined = confirm ? [] : undefined

  const stop = (): void => {
    open = false
    clearInterval(timer)
    stopIntercepting()
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
    // `ack` of amqplib reads nothing else of a message.
    ignoreErrors(() => channel.ack({ fields: { deliveryTag: tag } } as ConsumeMessage, true))
  }
  const timer = setInterval(acknowledge, ackEveryMs)
  timer.unref()
  channel.on('error', (error: Error) => end(explain(error, stream)))
  channel.on('close', () => end(new Error('the channel was closed')))

  const deliver = ({ deliveryTag, body }: Delivery, entry: WindowEntry | undefined): void => {
    unacked = deliveryTag
    count += 1
    if (entry) {
      last = entry
      const handled = visitor.onEntry(entry)
      if (isStored && entry.body === body) entry.body = Buffer.from(body)
      if (handled) {
        deferred = []
        handled.then(release, end)
      }
    }
    if (count >= ackEveryMessages || prefetch === 1) acknowledge()
  }
  const receive = (message: Delivery): void => {
    const entry = entryOf(message, stream)
    const isMoved = isFirst && entry && typeof start === 'number' && entry.offset > start
    isFirst = false
    if (isMoved && confirmMoved) {
      deferred = [kept(message)]
      confirmMoved().then(release, end)
    } else if (entry && last && entry.offset > last.offset + 1) {
      deferred = [kept(message)]
      void checkHole(last)
    } else if (mayBeCompressed(message.properties.contentEncoding)) deliverCompressed(message, entry)
    else deliver(message, entry)
  }
  /**
   * A small compressed body may expand to megabytes. If one has used its time slice, the messages
   * after it wait for the next turn of the event loop.
   */
  const deliverCompressed = (message: Delivery, entry: WindowEntry | undefined): void => {
    const slice = new TimeSlice()
    deliver(message, entry)
    if (deferred || !slice.isOver || !open) return
    deferred = []
    setImmediate(release)
  }
  const checkHole = async (before: WindowEntry): Promise<void> => {
    let intact: boolean
    try {
      intact = await stillExists({ connection, deliveries }, stream, before)
    } catch (error) {
      return end(asError(error))
    }
    if (!open) return
    if (!intact) await visitor.onTruncated()
    if (!open) return
    const [first, ...rest] = deferred ?? []
    deferred = undefined
    if (first) deliver(first, entryOf(first, stream))
    // These messages were read before the answer. If the previous entry exists, that covers every
    // hole among them.
    for (const message of rest) {
      if (intact && open && !deferred) deliver(message, entryOf(message, stream))
      else dispatch(message)
    }
  }
  /** Processes a message, or defers it. */
  const dispatch = (message: Delivery): void => {
    if (!open) return
    if (deferred) deferred.push(kept(message))
    else receive(message)
  }
  const kept = (message: Delivery): Delivery => (isStored ? withOwnBody(message) : message)
  const release = (): void => {
    if (!open) return
    const rest = deferred ?? []
    deferred = undefined
    for (const waiting of rest) dispatch(waiting)
  }

  const consumerTag = randomUUID()
  const stopIntercepting = deliveries.intercept(consumerTag, dispatch, { inReadBuffer: isStored })
  try {
    await channel.prefetch(prefetch)
    await channel.consume(
      stream,
      deliveries.callback(consumerTag, () =>
        end(new Error(`RabbitMQ cancelled the consumer of stream "${stream}": it was deleted, or lost its node`)),
      ),
      { consumerTag, noAck: false, arguments: { 'x-stream-offset': offsetArgument(start) } },
    )
    onConsuming?.()
    await confirm?.()
  } catch (error) {
    stop()
    closeQuietly(channel)
    throw explain(error, stream)
  }
  if (confirm) release()
  return {
    close() {
      if (!open) return
      stop()
      closeQuietly(channel)
    },
  }
}

/** Reads at the entry's offset and expects to find that entry. */
async function stillExists(
  { connection, deliveries }: StreamSession,
  stream: string,
  entry: WindowEntry,
): Promise<boolean> {
  const channel = await connection.createChannel()
  const consumerTag = randomUUID()
  let stopIntercepting = (): void => undefined
  try {
    return await new Promise<boolean>((resolve, reject) => {
      channel.on('error', reject)
      channel.on('close', () => reject(new Error('the channel was closed')))
      stopIntercepting = deliveries.intercept(consumerTag, (message) => {
        const found = entryOf(message, stream)
        if (found && found.offset < entry.offset) return
        resolve(found?.offset === entry.offset && fingerprintOf(found) === fingerprintOf(entry))
      })
      const cancelled = (): void => resolve(false)
      channel
        .prefetch(1)
        .then(() =>
          channel.consume(stream, deliveries.callback(consumerTag, cancelled), {
            consumerTag,
            arguments: { 'x-stream-offset': offsetArgument(entry.offset) },
          }),
        )
        .catch(reject)
    })
  } finally {
    stopIntercepting()
    closeQuietly(channel)
  }
}

function offsetArgument(start: StreamStart): unknown {
  if (typeof start === 'string') return start
  if (typeof start === 'number') return start === 0 ? 'first' : start
  return { '!': 'timestamp', value: Math.floor(start.timestampMs / 1000) }
}

/**
 * RabbitMQ does not reveal the type of a queue, but refuses a stream offset on a queue that is not
 * a stream.
 */
function explain(error: unknown, stream: string): Error {
  if (!/invalid arg 'x-stream-offset'/.test(String(error))) return asError(error)
  return new GatewayError(
    'SOURCE_CONFLICT',
    `queue "${stream}" exists in RabbitMQ and is not the stream that the journal needs: delete it, or set another WARREN_NAMESPACE`,
    { cause: error },
  )
}

/** amqplib throws on a closing channel. The end of the session is reported elsewhere. */
function ignoreErrors(act: () => void): void {
  try {
    act()
  } catch {
    // The channel is closing. Unacknowledged messages are not lost, because a stream keeps them.
  }
}

/** Does not wait, because amqplib never settles a close if the connection is lost meanwhile. */
function closeQuietly(channel: Channel): void {
  ignoreErrors(() => void channel.close().catch(() => undefined))
}
