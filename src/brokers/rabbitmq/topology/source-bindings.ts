import { asError } from '../../../core/model/error-text.ts'
import { lifeOf, type Source } from '../../../core/model/source.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { pause } from '../../../core/timing/pause.ts'
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
import type {
  ConnectionSession,
  ConnectionWatch,
  OpenConnection,
  ReconnectingConnection,
} from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import {
  type BindingTarget,
  bindingRefusal,
  bindSource,
  declareAndBind,
  isMissingExchange,
  unbindSource,
} from './bind-source.ts'
import { BindingOperations } from './binding-operations.ts'
import { declareDeadLetterQueue } from './dead-letter-queue.ts'
import { ExchangeTypeCheck } from './exchange-type-check.ts'

export interface SourceBindingsOptions extends BindingTarget {
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
  readonly #operations: BindingOperations
  readonly #logError: (reason: string) => void

  constructor(openConnection: OpenConnection, watch: ConnectionWatch, options: SourceBindingsOptions) {
    this.#options = options
    this.#timings = { ...defaultTimings, ...options.timings }
    this.#types = new ExchangeTypeCheck(options.log)
    this.#operations = new BindingOperations(this.#timings.answerMs)
    this.#logError = refusalLogger(options.log, `queue "${options.quarantine}" cannot be declared again`)
    this.#connection = openConnection({
      purpose: 'administration',
      establish: (session) => this.#establish(session),
      onUp: () => watch.onUp?.(),
      onDown: (reason) => watch.onDown?.(reason),
      onRetry: (reason, delayMs) => {
        this.#operations.setAwayReason(reason)
        watch.onRetry?.(reason, delayMs)
      },
    })
  }

  /** See `Broker.bind`. */
  bind(source: Source): Promise<{ declared: boolean }> {
    return this.#operations.runForCaller(async (connection, tooLate) => {
      const { exchange } = source
      const declared = !(await exchangeExists(connection, exchange))
      if (declared) await declareExchange(connection, exchange, typeOf(source))
      else this.#warnAboutAlternate(exchange, await checkExchangeType(connection, exchange, typeOf(source)))
      await declareAndBind(connection, source, this.#options).catch((error: unknown) => {
        throw bindingRefusal(error, source, this.#options)
      })
      this.#found.add(exchange)
      if (declared) this.#declared.add(exchange)
      if (!tooLate.aborted) this.#remember(source)
      // The caller has got an error, so nothing else would ever remove this binding.
      else if (!this.#isKept(source)) await unbindSource(connection, source, this.#options, this.#bound.values())
      return { declared }
    })
  }

  /** See `Broker.unbind`. If it rejects, the source is still bound. */
  unbind(source: Source): Promise<void> {
    return this.#operations.runForCaller(async (connection, tooLate) => {
      const previous = this.#isKept(source) ? source : undefined
      if (previous) {
        this.#bound.delete(source.id)
        this.#waiting.delete(source.id)
      }
      try {
        await unbindSource(connection, source, this.#options, this.#bound.values())
        tooLate.throwIfAborted()
      } catch (error) {
        if (previous && !this.#bound.has(source.id)) this.#bound.set(source.id, previous)
        throw bindingRefusal(error, source, this.#options)
      }
      this.#forgetUnused(source.exchange)
    })
  }

  /** See `Broker.keep`. */
  keep(source: Source): void {
    this.#remember(source)
    const { session } = this.#operations
    if (session) void this.#operations.inOrder(() => this.#bindAgain(session, source))
  }

  /** Binds everything again. Called when the queue was declared again. Never rejects. */
  async bindAllAgain(): Promise<void> {
    const { session } = this.#operations
    if (session) await this.#bindAll(session)
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
    this.#operations.begin(session)
    void this.#maintain(session)
  }

  /** The consumer of the queue declares it. */
  async #waitForQueue({ connection, signal }: ConnectionSession): Promise<void> {
    while (!signal.aborted) {
      try {
        await onChannel(connection, (channel) => channel.checkQueue(this.#options.queue))
        return
      } catch (error) {
        if (!repliedWith(error, replyCodes.notFound)) throw error
      }
      this.#operations.setAwayReason(`the queue "${this.#options.queue}" does not exist yet`)
      await pause(this.#timings.queueMs, signal)
    }
  }

  /** Maintains the bindings until the session ends. */
  async #maintain(session: ConnectionSession): Promise<void> {
    const reusable = new ReusableChannel(session.connection)
    while (!session.signal.aborted) {
      await pause(Math.max(this.#timings.rebindMs, this.#bound.size * this.#timings.rebindPerSourceMs), session.signal)
      await this.#operations.inOrder(() => this.#maintainQuarantine(session, reusable))
      for (const source of this.#bound.values()) {
        if (session.signal.aborted) return
        await this.#operations.inOrder(() => this.#maintainBinding(source, session, reusable))
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
        await reusable.do((channel) => bindSource(channel, source, this.#options))
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
      await this.#operations.inOrder(() => this.#bindAgain(session, source))
    }
  }

  /** A problem with one source is logged once and retried. It does not affect the other sources. */
  async #bindAgain({ connection, signal }: ConnectionSession, source: Source): Promise<void> {
    if (signal.aborted || !this.#isKept(source)) return
    const { exchange } = source
    try {
      await declareAndBind(connection, source, this.#options).catch(async (error: unknown) => {
        const mayDeclare = source.ownsExchange || this.#declared.has(exchange)
        if (!mayDeclare || !isMissingExchange(error)) throw error
        await declareExchange(connection, exchange, typeOf(source))
        const isNew = !this.#found.has(exchange)
        this.#options.log(
          'info',
          `exchange "${exchange}" ${isNew ? 'did not exist and has been declared' : 'was missing and has been declared again'}`,
        )
        await declareAndBind(connection, source, this.#options)
      })
      this.#found.add(exchange)
      if (this.#waiting.delete(source.id)) this.#options.log('info', `exchange "${exchange}" is bound again`)
    } catch (error) {
      if (!signal.aborted) this.#warnOnce(source, bindingRefusal(error, source, this.#options))
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

  /** Forgets what is known of an exchange, if no source is bound to it any more. */
  #forgetUnused(exchange: string): void {
    if ([...this.#bound.values()].some((source) => source.exchange === exchange)) return
    this.#declared.delete(exchange)
    this.#found.delete(exchange)
  }

  #remember(source: Source): void {
    // Last, so that a loop over the sources which has passed a former life reaches this one.
    this.#bound.delete(source.id)
    this.#bound.set(source.id, source)
    this.#waiting.delete(source.id)
  }

  #warnOnce(source: Source, error: Error): void {
    const lastReason = this.#waiting.get(source.id)
    this.#waiting.set(source.id, error.message)
    if (lastReason === error.message) return
    this.#options.log('warn', `a source receives no messages for now: ${error.message}`, { source: source.id })
  }
}

function typeOf({ exchangeType }: Source): AmqpExchangeType {
  return exchangeType.toLowerCase() as Lowercase<typeof exchangeType>
}
