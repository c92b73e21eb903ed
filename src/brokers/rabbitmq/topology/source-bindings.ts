import { asError } from '../../../core/model/error-text.ts'
import { bindingOf, type Source } from '../../../core/model/source.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { bufferedExchange } from '../../../core/publishing/buffered-message.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import { bufferQueueName, declareBuffer } from '../buffer/buffer-queue.ts'
import { type AmqpExchangeType, checkExchangeType, declareExchange, exchangeExists } from '../channel/exchange.ts'
import { complaint } from '../channel/log-refusal.ts'
import { ReusableChannel } from '../channel/reusable-channel.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { declareSetAside } from './dead-letter-queue.ts'

export interface TopologyOptions {
  /**
   * The queue (or stream) that every source flows into. Declared by who consumes it; waited for
   * here.
   */
  readonly queue: string
  readonly namespace: string
  readonly log: Observer['log']
  /** An exchange and a queue of this name, for what is set aside: looked after as bindings are. */
  readonly setAside?: string
  readonly timings?: Partial<typeof defaultTimings>
}

/** In milliseconds. */
const defaultTimings = {
  /** How long a caller waits for a broker that is away. */
  answerMs: 5_000,
  /**
   * How often everything is bound again: an exchange disappears with its bindings, or a binding
   * alone, and nobody is told.
   */
  againMs: 2_000,
  /**
   * And not more often than this for each source: RabbitMQ makes some hundred bindings a second in
   * a cluster.
   */
  againPerSourceMs: 20,
  /** How often the queue is looked for while it isn't there. */
  queueMs: 250,
}

/**
 * The gateway's sources on RabbitMQ: bound once, and bound again after every reconnection and from
 * time to time.
 */
export class SourceBindings {
  readonly #options: TopologyOptions
  readonly #timings: typeof defaultTimings
  readonly #link: ReconnectingConnection
  readonly #bound = new Map<string, Source>()
  /** Exchanges that this process has declared: they are declared again should they be gone. */
  readonly #declared = new Set<string>()
  /** Sources that wait for something that isn't Warren's to mend, by what the log said about it. */
  readonly #waiting = new Map<string, string>()
  #session: ConnectionSession | undefined
  #away = 'there is no connection yet'
  #whenUp: (() => void)[] = []
  readonly #logError: (reason: string) => void
  /** One operation after another, so that a binding made again never overtakes its removal. */
  #turns: Promise<unknown> = Promise.resolve()

  constructor(openConnection: OpenConnection, watch: ConnectionWatch, options: TopologyOptions) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#logError = complaint(options.log, `queue "${options.setAside}" cannot be declared again`)
    this.#link = openConnection({
      purpose: 'administration',
      establish: (session) => this.#establish(session),
      onUp: () => watch.onUp?.(),
      onDown: (reason) => watch.onDown?.(reason),
      onRetry: (reason, delayMs) => {
        this.#away = reason
        watch.onRetry?.(reason, delayMs)
      },
    })
  }

  /** As `Broker.bind`. */
  bind(source: Source): Promise<{ declared: boolean }> {
    return this.#answer(async (connection, tooLate) => {
      const { exchange } = source
      const declared = !(await exchangeExists(connection, exchange))
      if (declared) await declareExchange(connection, exchange, typeOf(source))
      else this.#sayAlternate(exchange, await checkExchangeType(connection, exchange, typeOf(source)))
      await this.#attach(connection, source).catch((error: unknown) => {
        throw this.#conflict(error, source)
      })
      if (declared) this.#declared.add(exchange)
      if (!tooLate.aborted) this.#remember(source)
      return { declared }
    })
  }

  /** As `Broker.unbind`; where it rejects, the source is still bound. */
  unbind(source: Source): Promise<void> {
    return this.#answer(async (connection, tooLate) => {
      const kept = this.#bound.get(source.id)
      this.#bound.delete(source.id)
      this.#waiting.delete(source.id)
      try {
        if (![...this.#bound.values()].some((other) => sameBinding(other, source)))
          await this.#detach(connection, source)
        tooLate.throwIfAborted()
      } catch (error) {
        if (kept) this.#bound.set(source.id, kept)
        throw this.#conflict(error, source)
      }
    })
  }

  /** As `Broker.keep`. */
  keep(source: Source): void {
    this.#remember(source)
    const session = this.#session
    if (session) void this.#inTurn(() => this.#bindAgain(session, source))
  }

  /** Binds everything once more: for who knows that the queue is a new one. Never fails. */
  async bindAllAgain(): Promise<void> {
    if (this.#session) await this.#bindAll(this.#session)
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const { setAside } = this.#options
    if (setAside !== undefined) await declareSetAside(session.connection, setAside)
    await this.#untilQueueIsThere(session)
    await this.#bindAll(session)
    if (session.signal.aborted) return
    this.#session = session
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
    })
    for (const resume of this.#whenUp.splice(0)) resume()
    void this.#tend(session)
  }

  async #untilQueueIsThere({ connection, signal }: ConnectionSession): Promise<void> {
    while (!signal.aborted) {
      try {
        await onChannel(connection, (channel) => channel.checkQueue(this.#options.queue))
        return
      } catch (error) {
        if (!repliedWith(error, replyCodes.notFound)) throw error
      }
      this.#away = `the queue "${this.#options.queue}" is not there yet`
      await pause(this.#timings.queueMs, signal)
    }
  }

  /** Looks after the bindings for as long as the session lasts. */
  async #tend(session: ConnectionSession): Promise<void> {
    const kept = new ReusableChannel(session.connection)
    while (!session.signal.aborted) {
      await pause(Math.max(this.#timings.againMs, this.#bound.size * this.#timings.againPerSourceMs), session.signal)
      await this.#inTurn(() => this.#tendToSetAside(session, kept))
      for (const source of this.#bound.values()) {
        if (session.signal.aborted) return
        await this.#inTurn(() => this.#tendTo(source, session, kept))
      }
    }
  }

  /** Nobody is told that a queue was deleted or has expired. */
  async #tendToSetAside({ connection, signal }: ConnectionSession, kept: ReusableChannel): Promise<void> {
    const { setAside, log } = this.#options
    if (setAside === undefined || signal.aborted) return
    try {
      return await kept.do((channel) => channel.bindQueue(setAside, setAside, ''))
    } catch {
      // It is made again, with a channel for each step.
    }
    try {
      await declareSetAside(connection, setAside)
      log('warn', `queue "${setAside}" was gone and has been declared again`)
    } catch (error) {
      if (!signal.aborted) this.#logError(replyOf(error)?.text ?? asError(error).message)
    }
  }

  /** A binding that stands costs one question. */
  async #tendTo(source: Source, session: ConnectionSession, kept: ReusableChannel): Promise<void> {
    if (session.signal.aborted || !this.#bound.has(source.id)) return
    if (!this.#waiting.has(source.id)) {
      try {
        return await kept.do((channel) => this.#bindOn(channel, source))
      } catch {
        // What is wrong is found out, and mended where it can be, with more care.
      }
    }
    await this.#bindAgain(session, source)
  }

  async #bindAll(session: ConnectionSession): Promise<void> {
    for (const source of this.#bound.values()) {
      if (session.signal.aborted) return
      await this.#inTurn(() => this.#bindAgain(session, source))
    }
  }

  /**
   * What stands in the way of one source is said once and tried again; it holds up nothing else.
   */
  async #bindAgain({ connection, signal }: ConnectionSession, source: Source): Promise<void> {
    if (signal.aborted || !this.#bound.has(source.id)) return
    const { exchange } = source
    try {
      await this.#attach(connection, source).catch(async (error: unknown) => {
        const mayDeclare = source.ownsExchange || this.#declared.has(exchange)
        if (!mayDeclare || !isMissingExchange(error)) throw error
        await declareExchange(connection, exchange, typeOf(source))
        this.#options.log('info', `exchange "${exchange}" was gone and has been declared again`)
        await this.#attach(connection, source)
      })
      if (this.#waiting.delete(source.id)) this.#options.log('info', `exchange "${exchange}" is bound again`)
    } catch (error) {
      if (!signal.aborted) this.#wait(source, this.#conflict(error, source))
    }
  }

  #sayAlternate(exchange: string, { alternate }: { alternate: string | undefined }): void {
    if (alternate === undefined) return
    const text = `exchange "${exchange}" has the alternate exchange "${alternate}": what this source binds is routed now, and no longer goes there`
    this.#options.log('warn', text)
  }

  #remember(source: Source): void {
    this.#bound.set(source.id, source)
    this.#waiting.delete(source.id)
  }

  #wait(source: Source, error: Error): void {
    const said = this.#waiting.get(source.id)
    this.#waiting.set(source.id, error.message)
    if (said === error.message) return
    this.#options.log('warn', `a source receives nothing for now: ${error.message}`, { source: source.id })
  }

  async #attach(connection: ChannelModel, source: Source): Promise<void> {
    if (source.buffered) await declareBuffer(connection, this.#options.namespace, source.exchange)
    await onChannel(connection, (channel) => this.#bindOn(channel, source))
  }

  async #bindOn(channel: Channel, source: Source): Promise<void> {
    const { exchange, key, arguments: args } = bindingOf(source)
    const { queue, namespace } = this.#options
    await channel.bindQueue(this.#queueOf(source), exchange, key, args)
    if (source.buffered) await channel.bindQueue(queue, bufferedExchange(namespace), '')
  }

  #queueOf({ buffered, exchange }: Source): string {
    return buffered ? bufferQueueName(this.#options.namespace, exchange) : this.#options.queue
  }

  /** Unbinding what isn't bound succeeds, also where the queue or the exchange is gone. */
  async #detach(connection: ChannelModel, source: Source): Promise<void> {
    const { exchange, key, arguments: args } = bindingOf(source)
    await onChannel(connection, (channel) => channel.unbindQueue(this.#queueOf(source), exchange, key, args))
  }

  /** What RabbitMQ says against a binding, as an answer to who wanted it. Other errors pass. */
  #conflict(error: unknown, { exchange }: Source): Error {
    const reply = replyOf(error)
    if (reply === undefined || reply.text.startsWith('no queue ')) return asError(error)
    let text = `RabbitMQ refuses to bind exchange "${exchange}": ${reply.text}`
    if (isMissingExchange(error)) text = `exchange "${exchange}" is not there`
    else if (reply.code === replyCodes.accessRefused) {
      text = `no permission to bind exchange "${exchange}" (${reply.text}): grant Warren's RabbitMQ user read on it and write on "${this.#options.queue}"`
    }
    return new GatewayError('SOURCE_CONFLICT', text, { cause: error })
  }

  /**
   * Does one piece of work for a caller, who is answered in time whatever becomes of the broker.
   */
  async #answer<Result>(work: (connection: ChannelModel, tooLate: AbortSignal) => Promise<Result>): Promise<Result> {
    const tooLate = AbortSignal.timeout(this.#timings.answerMs)
    const attempt = async () => {
      if (!this.#session) await new Promise<void>((resume) => this.#whenUp.push(resume))
      return this.#inTurn(async () => {
        tooLate.throwIfAborted()
        if (!this.#session) throw new Error(this.#away)
        return work(this.#session.connection, tooLate)
      })
    }
    const timeUp = new Promise<never>((_resolve, reject) => {
      tooLate.addEventListener('abort', () => reject(new Error(this.#session ? 'it does not answer' : this.#away)))
    })
    try {
      return await Promise.race([attempt(), timeUp])
    } catch (error) {
      if (error instanceof GatewayError) throw error
      const reason = replyOf(error)?.text ?? asError(error).message
      throw new GatewayError('BROKER_UNAVAILABLE', `RabbitMQ cannot be asked for its bindings: ${reason}`, {
        cause: error,
      })
    }
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turns.then(work)
    this.#turns = result.catch(() => {})
    return result
  }
}

function typeOf({ exchangeType }: Source): AmqpExchangeType {
  return exchangeType.toLowerCase() as Lowercase<typeof exchangeType>
}

function sameBinding(one: Source, other: Source): boolean {
  return JSON.stringify(bindingOf(one)) === JSON.stringify(bindingOf(other))
}

function isMissingExchange(error: unknown): boolean {
  const reply = replyOf(error)
  return reply?.code === replyCodes.notFound && reply.text.startsWith('no exchange ')
}
