import cluster, { type Worker } from 'node:cluster'
import { pause } from '../../core/timing/pause.ts'
import type { HealthVerdict } from '../../observability/health.ts'
import type { Snapshot } from '../../observability/snapshot.ts'
import { CommandFailure } from '../failure.ts'
import type { Running } from '../welcome.ts'
import { breakUntaken } from './close-unaccepted.ts'
import type { FromWorker, ToWorker } from './messages.ts'

export interface Exit {
  readonly code: number | null
  readonly signal: string | null
  /** What it gave as the reason, where it could. */
  readonly reason?: string
}

/** How long a worker may take to answer, in milliseconds: within what probes and scrapers wait. */
const answerMs = 900
/** How long the last words of one that has ended may take to arrive, in milliseconds. */
const lastWordsMs = 1_000

/** A worker as its primary sees it, from its start to its end. */
export class WorkerHandle {
  readonly #worker: Worker
  readonly #questions = new Map<number, (answer: FromWorker | undefined) => void>()
  #asked = 0
  /** What it is told when it hears: Node drops what comes before a listener does. */
  #untold: ToWorker[] | undefined = []
  #failed: { readonly text: string; readonly status: number } | undefined
  /** What it had counted when it was asked last. */
  counted: Snapshot = []
  /** Since when clients can connect, by `performance.now()`. */
  listeningSince: number | undefined
  /** The one that takes its place when it is gone, where there is one already. */
  successor: WorkerHandle | undefined
  /** Clients can connect. Rejects with `CommandFailure` where it ends before. */
  readonly listening: Promise<Running>
  /** It has ended, and all that it said has been heard. */
  readonly gone: Promise<Exit>

  constructor() {
    const worker = cluster.fork()
    this.#worker = worker
    breakUntaken(worker)
    this.gone = this.#whenGone()
    this.listening = new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'listening') {
          this.listeningSince = performance.now()
          resolve(message.running)
        } else this.#onMessage(message)
      })
      void this.gone.then(({ code, signal }) => {
        const { text, status } = this.#failed ?? {
          text: `a worker ended (${signal ?? code}) before it listened`,
          status: 1,
        }
        reject(new CommandFailure(text, status))
      })
    })
    // Who starts one later learns of its end from `gone`.
    this.listening.catch(() => undefined)
  }

  get id(): number {
    return this.#worker.id
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  /** Whether it is ready, asked now; undefined where it does not answer in time. */
  async health(): Promise<HealthVerdict | undefined> {
    const answer = await this.#ask('health')
    return answer?.kind === 'health' ? answer.ready : undefined
  }

  /** Brings `counted` up to date, unless it does not answer in time. */
  async count(): Promise<void> {
    await this.#ask('metrics')
  }

  reload(): void {
    this.#tell({ kind: 'reload' })
  }

  end(how: { drainMs?: number; handOver?: boolean }): void {
    this.#tell({ kind: 'end', ...how })
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }

  #onMessage(message: Exclude<FromWorker, { kind: 'listening' }>): void {
    if (message.kind === 'hearing') {
      const untold = this.#untold ?? []
      this.#untold = undefined
      for (const one of untold) this.#tell(one)
    }
    if (message.kind === 'failed') this.#failed = message
    if (message.kind === 'metrics' || message.kind === 'ended') this.counted = message.counted
    if ('question' in message) this.#questions.get(message.question)?.(message)
  }

  #ask(at: 'health' | 'metrics'): Promise<FromWorker | undefined> {
    const question = ++this.#asked
    return new Promise((resolve) => {
      const done = (answer: FromWorker | undefined) => {
        clearTimeout(timer)
        this.#questions.delete(question)
        resolve(answer)
      }
      const timer = setTimeout(done, answerMs, undefined)
      this.#questions.set(question, done)
      this.#tell({ kind: 'look', question, at })
    })
  }

  /** Into the void where it is gone, which is learnt of otherwise. */
  #tell(message: ToWorker): void {
    if (this.#untold) this.#untold.push(message)
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
    const heard = new Promise<void>((resolve) => worker.once('disconnect', () => resolve()))
    const exit = await Promise.race([unstarted, ended])
    // What it said last may be read after its end. The channel of one that was killed while a
    // connection was handed to it does not close at all.
    if (exit.code !== null) await Promise.race([heard, pause(lastWordsMs, undefined, { ref: false })])
    return { ...exit, ...(this.#failed ? { reason: this.#failed.text } : {}) }
  }
}
