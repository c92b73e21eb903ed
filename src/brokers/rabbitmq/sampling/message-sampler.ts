import { randomUUID } from 'node:crypto'
import { asError } from '../../../core/model/error-text.ts'
import type { Message } from '../../../core/model/message.ts'
import { matchesTopic } from '../../../core/model/topic-pattern.ts'
import type { WindowEntry } from '../../../core/ports/hot-window.ts'
import { GatewayError } from '../../../errors.ts'
import { type AmqpExchangeType, exchangeExists, exchangeTypeOf } from '../channel/exchange.ts'
import { onChannel } from '../channel/with-channel.ts'
import { type ConnectionSession, ReconnectingConnection } from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'
import { messageOf } from '../message/properties.ts'
import { consumeStream, type StreamStart } from '../stream/stream-consumer.ts'

/** Which messages to take. */
export interface SampleQuery {
  readonly exchange: string
  /** A binding key of a topic exchange. */
  readonly key: string
  /** At most this many. */
  readonly count: number
}

/** In milliseconds. */
const timings = {
  /**
   * A reader of the journal that receives nothing for this long has reached its end. So has one
   * that received something of the last chunk this long ago: a busy journal has no end.
   */
  quiet: 1_000,
  /** The time limit for one span of the journal. */
  span: 15_000,
}
const hour = 3_600_000
/** How far to look back, one after the other, until there are enough messages. */
const spansMs = [hour / 6, 6 * hour, 72 * hour, Number.POSITIVE_INFINITY]

/**
 * Reads messages for a person who wants to know what an exchange carries. Changes nothing that
 * others see: `live` binds a queue of its own, which RabbitMQ deletes with the connection.
 */
export class MessageSampler {
  readonly #connection: ReconnectingConnection
  readonly #session: Promise<ConnectionSession>

  /** `urls` are the nodes of one cluster. Each is tried once. */
  constructor(urls: readonly string[]) {
    let attempts = 0
    const { promise, resolve, reject } = withResolvers<ConnectionSession>()
    this.#session = promise
    // The caller may close it before it asks for anything.
    promise.catch(() => undefined)
    this.#connection = new ReconnectingConnection(urls, {
      purpose: 'sampling',
      establish: (session) => {
        resolve(session)
        return Promise.resolve()
      },
      onRetry: (reason) => {
        attempts += 1
        if (attempts >= urls.length) reject(new GatewayError('BROKER_UNAVAILABLE', reason))
      },
    })
    this.#connection.open()
  }

  async exchangeExists(exchange: string): Promise<boolean> {
    return exchangeExists((await this.#session).connection, exchange)
  }

  /** Undefined: the exchange does not exist. `unknown`: the user may not see its type. */
  async exchangeType(exchange: string): Promise<AmqpExchangeType | 'unknown' | undefined> {
    const { connection } = await this.#session
    if (!(await exchangeExists(connection, exchange))) return undefined
    return (await exchangeTypeOf(connection, exchange)) ?? 'unknown'
  }

  /**
   * Messages that the journal of this namespace holds, oldest first: recent ones if there are
   * enough. Resolves with what was found when the time limit is over.
   */
  async fromJournal(namespace: string, query: SampleQuery): Promise<readonly Message[]> {
    const stream = `${namespace}.journal`
    let lastChunk: number | undefined
    await this.#read(stream, 'last', ({ offset }) => {
      lastChunk = offset
      return 'enough'
    })
    if (lastChunk === undefined) return []
    let best: Span = { begin: undefined, found: [] }
    for (const spanMs of spansMs) {
      const timestampMs = Math.max(0, Date.now() - spanMs)
      const span = await this.#readSpan({ stream, timestampMs, lastChunk, beginOfLast: best.begin }, query)
      // It begins with the oldest message that there is, as the one before it.
      if (span === undefined) break
      if (span.found.length >= best.found.length) best = span
      if (best.found.length >= query.count) break
    }
    return best.found
  }

  /** Messages from now on. Resolves when there are enough, or with those so far on abort. */
  async live({ exchange, key, count }: SampleQuery, signal: AbortSignal): Promise<readonly Message[]> {
    const session = await this.#session
    const found: Message[] = []
    await onChannel(session.connection, async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true, maxLength: count })
      await channel.bindQueue(queue, exchange, key)
      // Without acknowledgements RabbitMQ sends no more than this.
      await channel.prefetch(Math.min(count, maxPrefetch))
      const consumerTag = randomUUID()
      const done = withResolvers<void>()
      const stopIntercepting = session.deliveries.intercept(consumerTag, (delivery) => {
        if (found.length < count) found.push(messageOf(delivery))
        if (found.length >= count) done.resolve()
      })
      const end = (): void => done.resolve()
      signal.addEventListener('abort', end, { once: true })
      session.signal.addEventListener('abort', end, { once: true })
      try {
        await channel.consume(queue, session.deliveries.callback(consumerTag, end), { consumerTag })
        if (!signal.aborted) await done.promise
      } finally {
        stopIntercepting()
        signal.removeEventListener('abort', end)
      }
    })
    return found
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  /** Undefined: it begins where the last one began, so it has nothing more. */
  async #readSpan(
    { stream, timestampMs, lastChunk, beginOfLast }: SpanToRead,
    { exchange, key, count }: SampleQuery,
  ): Promise<Span | undefined> {
    let begin: number | undefined
    const found: Message[] = []
    await this.#read(stream, { timestampMs }, (entry) => {
      begin ??= entry.offset
      if (begin === beginOfLast) return 'enough'
      if (!entry.mark && entry.exchange === exchange && matchesTopic(key, entry.routingKey)) found.push(entry)
      if (found.length >= count) return 'enough'
      return entry.offset < lastChunk ? 'more' : 'soon enough'
    })
    return begin !== undefined && begin === beginOfLast ? undefined : { begin, found }
  }

  /** Resolves when the visitor has enough, at the end of the stream, or when the time is over. */
  async #read(
    stream: string,
    start: StreamStart,
    visit: (entry: WindowEntry) => 'more' | 'soon enough' | 'enough',
  ): Promise<void> {
    const session = await this.#session
    const { promise, resolve } = withResolvers<void>()
    const limit = setTimeout(resolve, timings.span)
    const quiet = setTimeout(resolve, timings.quiet)
    let isEnough = false
    try {
      const consumer = await consumeStream(session, stream, start, {
        onEntry(entry) {
          if (isEnough) return
          const next = visit(entry)
          isEnough = next === 'enough'
          if (isEnough) resolve()
          else if (next === 'more') quiet.refresh()
        },
        onTruncated: () => undefined,
        onEnd: () => resolve(),
      })
      quiet.refresh()
      await promise
      consumer.close()
    } catch (error) {
      // No gateway of this namespace has run.
      if (!repliedWith(error, replyCodes.notFound)) throw asError(error)
    } finally {
      clearTimeout(limit)
      clearTimeout(quiet)
    }
  }
}

/** The journal since a time. */
interface SpanToRead {
  readonly stream: string
  readonly timestampMs: number
  /** The first offset of the last chunk. */
  readonly lastChunk: number
  /** The first offset of the shorter span that was read before. */
  readonly beginOfLast: number | undefined
}

interface Span {
  /** Its first offset; undefined if it is empty. */
  readonly begin: number | undefined
  readonly found: readonly Message[]
}

const maxPrefetch = 65_535

interface Resolvers<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (reason: Error) => void
}

function withResolvers<Value>(): Resolvers<Value> {
  let resolve!: (value: Value) => void
  let reject!: (reason: Error) => void
  const promise = new Promise<Value>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}
