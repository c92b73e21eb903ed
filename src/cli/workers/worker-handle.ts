import cluster, { type Worker } from 'node:cluster'
import type { Publication } from '../../core/model/message.ts'
import { pause } from '../../core/timing/pause.ts'
import type { HealthVerdict } from '../../observability/health.ts'
import type { Snapshot } from '../../observability/snapshot.ts'
import type { WorkerConsoleAddress } from '../../transports/console/worker-console.ts'
import { CommandFailure } from '../failure.ts'
import type { Running } from '../welcome.ts'
import { closeUnaccepted } from './close-unaccepted.ts'
import type { FromWorker, ToWorker } from './messages.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  /** The reason that the worker reported, if any. */
  readonly reason?: string
}

/**
 * How long a worker may take to answer, in milliseconds. Shorter than the timeouts of probes and
 * scrapers.
 */
const answerMs = 900
/** How long a worker may take to confirm a message, in milliseconds. */
const confirmMs = 5_000
/** How long to wait for the last messages of a worker that has exited, in milliseconds. */
const lastMessagesMs = 1_000

/** A worker process from its start to its exit, in the primary. */
export class WorkerHandle {
  readonly #worker: Worker
  readonly #queries = new Map<number, (answer: FromWorker | undefined) => void>()
  #lastQuery = 0
  /**
   * Messages to send once the worker listens for them, because Node drops earlier ones. Undefined
   * afterwards.
   */
  #unsent: ToWorker[] | undefined = []
  #failed: { readonly text: string; readonly status: number } | undefined
  /** The metrics from its last answer. */
  metrics: Snapshot = []
  /** When clients could first connect, by `performance.now()`. */
  listeningSince: number | undefined
  /** Undefined before clients can connect, and once it was ended. */
  console: WorkerConsoleAddress | undefined
  /** The worker that replaces it, if one has been started. */
  successor: WorkerHandle | undefined
  /**
   * Resolves when clients can connect. Rejects with `CommandFailure` if the worker exits before.
   */
  readonly listening: Promise<Running>
  /** Resolves when the worker has exited and its last messages have been read. */
  readonly gone: Promise<Exit>

  constructor() {
    const worker = cluster.fork()
    this.#worker = worker
    closeUnaccepted(worker)
    this.gone = this.#whenGone()
    this.listening = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') {
          this.listeningSince = performance.now()
          this.console = message.console
          resolve(message.running)
        } else this.#onMessage(message)
      })
      void this.gone.then(({ code, signal }) => {
        const { text, status } = this.#failed ?? {
          text: `a worker exited (${signal ?? code}) before it listened`,
          status: 1,
        }
        reject(new CommandFailure(text, status))
        for (const answer of this.#queries.values()) answer(undefined)
      })
    })
    // For a worker that is started later, `gone` reports the exit.
    this.listening.catch(() => undefined)
  }

  get id(): number {
    return this.#worker.id
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  /** Asks for its readiness. Undefined if it does not answer in time. */
  async health(): Promise<HealthVerdict | undefined> {
    const answer = await this.#ask((id) => ({ kind: 'query', id, at: 'health' }), answerMs)
    return answer?.kind === 'health' ? answer.ready : undefined
  }

  /** Updates `metrics`, unless the worker does not answer in time. */
  async count(): Promise<void> {
    await this.#ask((id) => ({ kind: 'query', id, at: 'metrics' }), answerMs)
  }

  /** Resolves with whether the worker has confirmed the message in time. */
  async publish(publication: Publication): Promise<boolean> {
    const answer = await this.#ask((id) => ({ kind: 'publish', id, publication }), confirmMs)
    return answer?.kind === 'published' && answer.confirmed
  }

  reload(): void {
    this.#send({ kind: 'reload' })
  }

  end(how: { drainMs?: number; handOver?: boolean }): void {
    this.console = undefined
    this.#send({ kind: 'end', ...how })
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #onMessage(message: Exclude<FromWorker, { kind: 'listening' }>): void {
    if (message.kind === 'receiving') {
      const unsent = this.#unsent ?? []
      this.#unsent = undefined
      for (const one of unsent) this.#send(one)
    }
    if (message.kind === 'failed') this.#failed = message
    if (message.kind === 'metrics' || message.kind === 'ended') this.metrics = message.metrics
    if ('id' in message) this.#queries.get(message.id)?.(message)
  }

  /** Undefined if the worker does not answer in time, or has exited. */
  #ask(question: (id: number) => ToWorker, timeoutMs: number): Promise<FromWorker | undefined> {
    const id = ++this.#lastQuery
    return new Promise((resolve) => {
      const done = (answer: FromWorker | undefined) => {
        clearTimeout(timer)
        this.#queries.delete(id)
        resolve(answer)
      }
      const timer = setTimeout(done, timeoutMs, undefined)
      this.#queries.set(id, done)
      this.#send(question(id))
    })
  }

  /** Ignored if the worker has exited; `gone` reports that. */
  #send(message: ToWorker): void {
    if (this.#unsent) this.#unsent.push(message)
    else if (this.#worker.isConnected()) this.#worker.send(message, () => undefined)
  }

  async #whenGone(): Promise<Exit> {
    const worker = this.#worker
    const unstarted = new Promise<Exit>((resolve) => {
      worker.on('error', (error) => {
        if (worker.process.pid === undefined) resolve({ code: null, signal: null, reason: error.message })
      })
    })
    const ended = new Promise<Exit>((resolve) => {
      worker.once('exit', (code: number | null, signal: string | null) => resolve({ code, signal }))
    })
    const disconnected = new Promise<void>((resolve) => worker.once('disconnect', () => resolve()))
    const exit = await Promise.race([unstarted, ended])
    // Its last messages may arrive after the exit. The channel of a worker that was killed while a
    // connection was passed to it does not close at all, so this wait has a limit.
    if (exit.code !== null) await Promise.race([disconnected, pause(lastMessagesMs, undefined, { ref: false })])
    return { ...exit, ...(this.#failed ? { reason: this.#failed.text } : {}) }
  }
}
