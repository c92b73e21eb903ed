import { asError } from '../../../core/model/error-text.ts'
import { bindingOf, lifeOf, type Source } from '../../../core/model/source.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { bufferedExchange } from '../../../core/publishing/buffered-message.ts'
import { defaultExchangeOf, formerBindingKey } from '../../../core/sources/default-source.ts'
import { pause } from '../../../core/timing/pause.ts'
import { GatewayError } from '../../../errors.ts'
import { bufferQueueName, declareBuffer } from '../buffer/buffer-queue.ts'
import {
  type AmqpExchangeType,
  checkExchangeType,
  declareExchange,
  ensureExchange,
  exchangeExists,
} from '../channel/exchange.ts'
import { refusalLogger } from '../channel/log-refusal.ts'
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
import { declareDeadLetterQueue } from './dead-letter-queue.ts'
import { ExchangeTypeCheck } from './exchange-type-check.ts'

export interface SourceBindingsOptions {
  /**
   * The queue or stream that every source is bound to. Its consumer declares it; this class waits
   * for it.
   */
  readonly queue: string
  readonly namespace: string
  readonly log: Observer['log']
  /**
   * The exchange and queue of this name hold undeliverable messages. They are maintained like the
   * bindings.
   */
  readonly quarantine?: string
  /** Topic exchanges that back ends bind queues to. Declared at each connection. */
  readonly hooks?: readonly string[]
  readonly timings?: Partial<typeof defaultTimings>
}

/** In milliseconds. */
const defaultTimings = {
  /** How long a caller waits for an unreachable broker. */
  answerMs: 5_000,
  /**
   * How often everything is bound again. Bindings disappear, alone or with their exchange, and
   * RabbitMQ does not announce it.
   */
  rebindMs: 2_000,
  /**
   * The minimum interval for each source, because RabbitMQ makes only some hundred bindings a
   * second in a cluster.
   */
  rebindPerSourceMs: 20,
  /** How often the queue is looked for while it does not exist. */
  queueMs: 250,
}

/**
 * The bindings of the gateway's sources. Declares them once, after every reconnection, and
 * periodically.
 */
export class SourceBindings {
  readonly #options: SourceBindingsOptions
  readonly #timings: typeof defaultTimings
  readonly #connection: ReconnectingConnection
  readonly #bound = new Map<string, Source>()
  /** Exchanges that this process has declared. If one disappears, it is declared again. */
  readonly #declared = new Set<string>()
  /** Exchanges that this process has bound. */
  readonly #found = new Set<string>()
  readonly #types: ExchangeTypeCheck
  /**
   * Sources that wait for something that Warren cannot repair → the reason in the last log line.
   */
  readonly #waiting = new Map<string, string>()
  #session: ConnectionSession | undefined
  #awayReason = 'there is no connection yet'
  #whenUp: (() => void)[] = []
  readonly #logError: (reason: string) => void
  /** Operations run one after another, so that a repeated bind never overtakes an unbind. */
  #lastOperation: Promise<unknown> = Promise.resolve()

  constructor(openConnection: OpenConnection, watch: ConnectionWatch, options: SourceBindingsOptions) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#types = new ExchangeTypeCheck(options.log)
    this.#logError = refusalLogger(options.log, `queue "${options.quarantine}" cannot be declared again`)
    this.#connection = openConnection({
      purpose: 'administration',
      establish: (session) => this.#establish(session),
      onUp: () => watch.onUp?.(),
      onDown: (reason) => watch.onDown?.(reason),
      onRetry: (reason, delayMs) => {
        this.#awayReason = reason
        watch.onRetry?.(reason, delayMs)
      },
    })
  }

  /** See `Broker.bind`. */
  bind(source: Source): Promise<{ declared: boolean }> {
    return this.#runForCaller(async (connection, tooLate) => {
      const { exchange } = source
      const declared = !(await exchangeExists(connection, exchange))
      if (declared) await declareExchange(connection, exchange, typeOf(source))
      else this.#warnAboutAlternate(exchange, await checkExchangeType(connection, exchange, typeOf(source)))
      await this.#declareAndBind(connection, source).catch((error: unknown) => {
        throw this.#conflict(error, source)
      })
      this.#found.add(exchange)
      if (declared) this.#declared.add(exchange)
      if (!tooLate.aborted) this.#remember(source)
      return { declared }
    })
  }

  /** See `Broker.unbind`. If it rejects, the source is still bound. */
  unbind(source: Source): Promise<void> {
    return this.#runForCaller(async (connection, tooLate) => {
      const previous = this.#isKept(source) ? source : undefined
      if (previous) {
        this.#bound.delete(source.id)
        this.#waiting.delete(source.id)
      }
      try {
        await this.#unbindFromQueue(connection, source)
        tooLate.throwIfAborted()
      } catch (error) {
        if (previous && !this.#bound.has(source.id)) this.#bound.set(source.id, previous)
        throw this.#conflict(error, source)
      }
    })
  }

  /** See `Broker.keep`. */
  keep(source: Source): void {
    this.#remember(source)
    const session = this.#session
    if (session) void this.#inOrder(() => this.#bindAgain(session, source))
  }

  /** Binds everything again. Called when the queue was declared again. Never rejects. */
  async bindAllAgain(): Promise<void> {
    if (this.#session) await this.#bindAll(this.#session)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  async #establish(session: ConnectionSession): Promise<void> {
    const { quarantine, hooks = [] } = this.#options
    if (quarantine !== undefined) await declareDeadLetterQueue(session.connection, quarantine)
    for (const hook of hooks) {
      // Without it the gateway serves all the same.
      await ensureExchange(session.connection, hook, 'topic').catch((error: unknown) => {
        if (!session.signal.aborted)
          this.#options.log('warn', `exchange "${hook}" cannot be declared: ${asError(error).message}`)
      })
    }
    await this.#waitForQueue(session)
    this.#types.begin(new Set([...this.#bound.values()].map(({ exchange }) => exchange)))
    await this.#bindAll(session)
    if (session.signal.aborted) return
    this.#session = session
    session.signal.addEventListener('abort', () => {
      this.#session = undefined
    })
    for (const resume of this.#whenUp.splice(0)) resume()
    void this.#maintain(session)
  }

  async #waitForQueue({ connection, signal }: ConnectionSession): Promise<void> {
    while (!signal.aborted) {
      try {
        await onChannel(connection, (channel) => channel.checkQueue(this.#options.queue))
        return
      } catch (error) {
        if (!repliedWith(error, replyCodes.notFound)) throw error
      }
      this.#awayReason = `the queue "${this.#options.queue}" does not exist yet`
      await pause(this.#timings.queueMs, signal)
    }
  }

  /** Maintains the bindings until the session ends. */
  async #maintain(session: ConnectionSession): Promise<void> {
    const reusable = new ReusableChannel(session.connection)
    while (!session.signal.aborted) {
      await pause(Math.max(this.#timings.rebindMs, this.#bound.size * this.#timings.rebindPerSourceMs), session.signal)
      await this.#inOrder(() => this.#maintainQuarantine(session, reusable))
      for (const source of this.#bound.values()) {
        if (session.signal.aborted) return
        await this.#inOrder(() => this.#maintainBinding(source, session, reusable))
      }
    }
  }

  /** RabbitMQ does not announce that a queue was deleted or has expired. */
  async #maintainQuarantine({ connection, signal }: ConnectionSession, reusable: ReusableChannel): Promise<void> {
    const { quarantine, log } = this.#options
    if (quarantine === undefined || signal.aborted) return
    try {
      return await reusable.do((channel) => channel.bindQueue(quarantine, quarantine, ''))
    } catch {
      // It is declared again below, with one channel for each step.
    }
    try {
      await declareDeadLetterQueue(connection, quarantine)
      log('warn', `queue "${quarantine}" was missing and has been declared again`)
    } catch (error) {
      if (!signal.aborted) this.#logError(replyOf(error)?.text ?? asError(error).message)
    }
  }

  /** An existing binding costs one request. */
  async #maintainBinding(source: Source, session: ConnectionSession, reusable: ReusableChannel): Promise<void> {
    if (session.signal.aborted || !this.#isKept(source)) return
    if (!this.#waiting.has(source.id)) {
      try {
        await reusable.do((channel) => this.#bindOn(channel, source))
        // Not when the connection begins, because that would delay the start.
        await this.#types.check(session.connection, source.exchange, typeOf(source))
        return
      } catch {
        // `#bindAgain` finds the cause and repairs it if it can.
      }
    }
    await this.#bindAgain(session, source)
  }

  async #bindAll(session: ConnectionSession): Promise<void> {
    for (const source of this.#bound.values()) {
      if (session.signal.aborted) return
      await this.#inOrder(() => this.#bindAgain(session, source))
    }
  }

  /** A problem with one source is logged once and retried. It does not affect the other sources. */
  async #bindAgain({ connection, signal }: ConnectionSession, source: Source): Promise<void> {
    if (signal.aborted || !this.#isKept(source)) return
    const { exchange } = source
    try {
      await this.#declareAndBind(connection, source).catch(async (error: unknown) => {
        const mayDeclare = source.ownsExchange || this.#declared.has(exchange)
        if (!mayDeclare || !isMissingExchange(error)) throw error
        await declareExchange(connection, exchange, typeOf(source))
        const isNew = !this.#found.has(exchange)
        this.#options.log(
          'info',
          `exchange "${exchange}" ${isNew ? 'did not exist and has been declared' : 'was missing and has been declared again'}`,
        )
        await this.#declareAndBind(connection, source)
      })
      this.#found.add(exchange)
      if (this.#waiting.delete(source.id)) this.#options.log('info', `exchange "${exchange}" is bound again`)
    } catch (error) {
      if (!signal.aborted) this.#warnOnce(source, this.#conflict(error, source))
    }
  }

  /** Not if it was deleted, or created again, before its turn. */
  #isKept(source: Source): boolean {
    const kept = this.#bound.get(source.id)
    return kept !== undefined && lifeOf(kept) === lifeOf(source)
  }

  #warnAboutAlternate(exchange: string, { alternate }: { alternate: string | undefined }): void {
    if (alternate === undefined) return
    const text = `exchange "${exchange}" has the alternate exchange "${alternate}": messages that this source binds are routed now and no longer reach it`
    this.#options.log('warn', text)
  }

  #remember(source: Source): void {
    this.#bound.set(source.id, source)
    this.#waiting.delete(source.id)
  }

  #warnOnce(source: Source, error: Error): void {
    const lastReason = this.#waiting.get(source.id)
    this.#waiting.set(source.id, error.message)
    if (lastReason === error.message) return
    this.#options.log('warn', `a source receives no messages for now: ${error.message}`, { source: source.id })
  }

  async #declareAndBind(connection: ChannelModel, source: Source): Promise<void> {
    if (source.buffered) await declareBuffer(connection, this.#options.namespace, source.exchange)
    await onChannel(connection, (channel) => this.#bindOn(channel, source))
  }

  async #bindOn(channel: Channel, source: Source): Promise<void> {
    const { exchange, key, arguments: args } = bindingOf(source)
    const { queue, namespace } = this.#options
    await channel.bindQueue(this.#queueOf(source), exchange, key, { ...args, ...bindingLabel(source) })
    if (source.buffered) await channel.bindQueue(queue, bufferedExchange(namespace), '')
    await this.#unbindFormer(channel, source)
  }

  /** Replicas up to 0.1 bind the default source to fewer keys, and leave that binding behind. */
  async #unbindFormer(channel: Channel, source: Source): Promise<void> {
    const { exchange } = source
    const key = formerBindingKey(source, defaultExchangeOf(this.#options.namespace))
    if (key !== undefined) await channel.unbindQueue(this.#queueOf(source), exchange, key, {})
  }

  #queueOf({ buffered, exchange }: Source): string {
    return buffered ? bufferQueueName(this.#options.namespace, exchange) : this.#options.queue
  }

  /** Unbinding a missing binding succeeds, even if the queue or the exchange is missing. */
  async #unbindFromQueue(connection: ChannelModel, source: Source): Promise<void> {
    const { exchange, key, arguments: args } = bindingOf(source)
    const queue = this.#queueOf(source)
    const isShared = [...this.#bound.values()].some((other) => sameBinding(other, source))
    await onChannel(connection, async (channel) => {
      await channel.unbindQueue(queue, exchange, key, { ...args, ...bindingLabel(source) })
      // Replicas up to 0.1 bind without the label.
      if (!isShared) await channel.unbindQueue(queue, exchange, key, args)
      await this.#unbindFormer(channel, source)
    })
  }

  /**
   * Converts RabbitMQ's refusal of a binding to an error for the caller. Returns other errors
   * unchanged.
   */
  #conflict(error: unknown, { exchange }: Source): Error {
    const reply = replyOf(error)
    if (reply === undefined || reply.text.startsWith('no queue ')) return asError(error)
    let text = `RabbitMQ refuses to bind exchange "${exchange}": ${reply.text}`
    if (isMissingExchange(error)) text = `exchange "${exchange}" does not exist`
    else if (reply.code === replyCodes.accessRefused) {
      text = `no permission to bind exchange "${exchange}" (${reply.text}): grant Warren's RabbitMQ user read on it and write on "${this.#options.queue}"`
    }
    return new GatewayError('SOURCE_CONFLICT', text, { cause: error })
  }

  /**
   * Runs an operation for a caller, who gets an answer in time even if the broker does not respond.
   */
  async #runForCaller<Result>(
    work: (connection: ChannelModel, tooLate: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const tooLate = AbortSignal.timeout(this.#timings.answerMs)
    const attempt = async () => {
      if (!this.#session) await new Promise<void>((resume) => this.#whenUp.push(resume))
      return this.#inOrder(async () => {
        tooLate.throwIfAborted()
        if (!this.#session) throw new Error(this.#awayReason)
        return work(this.#session.connection, tooLate)
      })
    }
    const timeUp = new Promise<never>((_resolve, reject) => {
      tooLate.addEventListener('abort', () =>
        reject(new Error(this.#session ? 'it does not answer' : this.#awayReason)),
      )
    })
    try {
      return await Promise.race([attempt(), timeUp])
    } catch (error) {
      if (error instanceof GatewayError) throw error
      const reason = replyOf(error)?.text ?? asError(error).message
      throw new GatewayError('BROKER_UNAVAILABLE', `cannot change bindings on RabbitMQ: ${reason}`, {
        cause: error,
      })
    }
  }

  #inOrder<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastOperation.then(work)
    this.#lastOperation = result.catch(() => {})
    return result
  }
}

function typeOf({ exchangeType }: Source): AmqpExchangeType {
  return exchangeType.toLowerCase() as Lowercase<typeof exchangeType>
}

/**
 * Gives each life of a source a binding of its own. A replica that reads late that a source was
 * deleted removes its binding, and must not remove the one of a source that was created since.
 * RabbitMQ ignores arguments in `x-` when it routes, for exchanges of every type.
 */
function bindingLabel(source: Source): Record<string, string> {
  return { 'x-warren-source': lifeOf(source) }
}

function sameBinding(one: Source, other: Source): boolean {
  return JSON.stringify(bindingOf(one)) === JSON.stringify(bindingOf(other))
}

function isMissingExchange(error: unknown): boolean {
  const reply = replyOf(error)
  return reply?.code === replyCodes.notFound && reply.text.startsWith('no exchange ')
}
