import type { Publication } from '../../core/model/message.ts'
import { fullJitter } from '../../core/timing/jitter.ts'
import { pause } from '../../core/timing/pause.ts'
import type { HealthVerdict } from '../../observability/health.ts'
import type { Logger } from '../../observability/logger.ts'
import type { Metrics } from '../../observability/metrics.ts'
import { ofExited, primaryMetrics, printSum, sumOf } from '../../observability/metrics-sum.ts'
import type { HealthSource } from '../../observability/ops-listener.ts'
import type { Snapshot } from '../../observability/snapshot.ts'
import type { WorkerConsoleAddress } from '../../transports/console/worker-console.ts'
import type { Running } from '../welcome.ts'
import { type Exit, WorkerHandle } from './worker-handle.ts'

/**
 * If a worker is lost after running this long, the count of lost workers restarts at one, in
 * milliseconds.
 */
const stableMs = 60_000
const restartBackoff = { firstRetryMs: 1_000, retryCapMs: 30_000 }
/** Interval between health checks of the workers, in milliseconds. */
const checkMs = 5_000
/**
 * After this many consecutive checks without an answer, the event loop of a worker counts as
 * blocked.
 */
const maxMissedChecks = 12
/**
 * How much longer than its window a drain may take before the remaining workers are killed, in
 * milliseconds.
 */
const killAfterMs = 20_000
/**
 * How long a successor may take to become ready in a rolling restart, and the interval between
 * checks.
 */
const readyMs = 60_000
const readyEveryMs = 200

/**
 * The workers of a primary: starts, restarts, replaces and ends them. The ops port presents them as
 * one gateway.
 */
export class WorkerPool implements HealthSource, Pick<Metrics, 'contentType' | 'print'> {
  readonly #count: number
  readonly #log: Logger['log']
  readonly #own: Metrics
  /** All workers with a running process, including those that are draining. */
  readonly #workers = new Set<WorkerHandle>()
  /** Metrics of workers that have exited, so that sums never decrease. */
  #past: readonly Snapshot[] = []
  #summing = Promise.resolve()
  readonly #ending = new AbortController()
  #rolling = false

  constructor(count: number, log: Logger['log'], own: Metrics) {
    this.#count = count
    this.#log = log
    this.#own = own
  }

  get contentType(): string {
    return this.#own.contentType
  }

  /**
   * Resolves when clients can connect to all workers. Rejects with `CommandFailure` if one fails,
   * because every replacement would fail too.
   */
  async start(): Promise<Running> {
    const first = Array.from({ length: this.#count }, () => this.#fork())
    const [running] = await Promise.all(first.map(({ listening }) => listening))
    if (running === undefined) throw new Error('expected at least one worker')
    for (const worker of first) void this.#keep(worker)
    void this.#watch()
    return running
  }

  /** The consoles of the workers that serve, the oldest first, so that one serves all pages. */
  get consoles(): WorkerConsoleAddress[] {
    return [...this.#workers].flatMap((worker) => worker.console ?? [])
  }

  /** The process id of the oldest worker that clients can connect to. */
  get serving(): number | undefined {
    return this.#listening?.pid
  }

  /** Publishes through a worker. Resolves with whether it has confirmed the message. */
  async publish(publication: Publication): Promise<boolean> {
    return (await this.#listening?.publish(publication)) ?? false
  }

  get #listening(): WorkerHandle | undefined {
    return [...this.#workers].find(({ listeningSince }) => listeningSince !== undefined)
  }

  reload(): void {
    for (const worker of this.#workers) worker.reload()
  }

  /**
   * Replaces the workers one by one. Each successor is ready before its predecessor hands over and
   * drains.
   */
  async roll(): Promise<void> {
    if (this.#rolling || this.#ending.signal.aborted) return
    this.#rolling = true
    const predecessors = [...this.#workers]
    this.#log('info', 'replacing workers one by one', { workers: predecessors.length })
    try {
      for (const old of predecessors) {
        if (this.#workers.has(old)) await this.#replace(old)
        if (this.#ending.signal.aborted) return
      }
      this.#log('info', 'all workers have been replaced', {})
    } catch (error) {
      if (!this.#ending.signal.aborted)
        this.#log('error', 'the remaining workers stay, because a new one did not become ready', { error })
    } finally {
      this.#rolling = false
    }
  }

  /**
   * Ends all workers concurrently, each over the window. Resolves when all have exited; to false if
   * some had to be killed.
   */
  async end(windowMs: number, drainMs?: number): Promise<boolean> {
    this.#ending.abort()
    let killed = false
    const timer = setTimeout(() => {
      killed = true
      this.#log('error', 'killing workers that did not exit', { workers: [...this.#workers].map(({ id }) => id) })
      this.kill()
    }, windowMs + killAfterMs)
    for (const worker of this.#workers) worker.end(drainMs === undefined ? {} : { drainMs })
    await Promise.all([...this.#workers].map(({ gone }) => gone))
    clearTimeout(timer)
    return !killed
  }

  kill(): void {
    for (const worker of this.#workers) worker.kill()
  }

  live(): HealthVerdict {
    return { ok: true, reasons: [] }
  }

  /**
   * Ready if at least one worker is. The system distributes connections to listening workers, and
   * what one worker lacks (a broker, a registry) the others lack too.
   */
  async ready(): Promise<HealthVerdict> {
    if (this.#ending.signal.aborted) return { ok: false, reasons: ['draining: this replica is being shut down'] }
    const reasons = new Set<string>()
    const checks = [...this.#workers].map(async (worker) => {
      const verdict = await worker.health()
      for (const reason of verdict?.reasons ?? ['workers: one does not answer']) reasons.add(reason)
      if (!verdict?.ok) throw new Error('not ready')
      return verdict
    })
    return Promise.any(checks).catch(() => ({ ok: false, reasons: [...reasons] }))
  }

  async print(): Promise<string> {
    const [own] = await Promise.all([this.#own.snapshot(), ...[...this.#workers].map((worker) => worker.count())])
    return printSum([...[...this.#workers].map(({ metrics }) => metrics), ...this.#past, primaryMetrics(own)])
  }

  #fork(): WorkerHandle {
    const worker = new WorkerHandle()
    this.#workers.add(worker)
    void worker.gone.then(() => {
      this.#workers.delete(worker)
      this.#past = [...this.#past, ofExited(worker.metrics)]
      this.#summing = this.#summing.then(() => this.#sumPast())
    })
    return worker
  }

  /**
   * Merges the metrics of all exited workers into one snapshot. The parts count until the sum is
   * ready.
   */
  async #sumPast(): Promise<void> {
    const parts = this.#past
    const sum = await sumOf(parts)
    this.#past = [sum, ...this.#past.filter((part) => !parts.includes(part))]
  }

  /** Restarts the worker whenever it exits, as long as the primary runs. */
  async #keep(worker: WorkerHandle): Promise<void> {
    const { signal } = this.#ending
    let kept = worker
    let lost = 0
    for (;;) {
      const exit = await kept.gone
      if (signal.aborted) return
      if (kept.successor) {
        kept = kept.successor
        lost = 0
        continue
      }
      const listened = kept.listeningSince === undefined ? 0 : performance.now() - kept.listeningSince
      lost = listened >= stableMs ? 1 : lost + 1
      const inMs = lost === 1 ? 0 : Math.round(fullJitter(lost - 2, restartBackoff))
      this.#logLoss(kept, exit, inMs)
      await pause(inMs, signal)
      if (signal.aborted) return
      kept = this.#fork()
    }
  }

  #logLoss({ id, pid }: WorkerHandle, { code, signal, reason }: Exit, inMs: number): void {
    this.#own.workerLost()
    const how = signal === null ? { status: code } : { signal }
    const because = reason === undefined ? {} : { reason }
    this.#log('error', 'a worker exited; starting another', { lost: id, pid, ...how, inMs, ...because })
  }

  async #replace(old: WorkerHandle): Promise<void> {
    const next = this.#fork()
    // Set now, so that only one replacement starts if the worker is lost meanwhile.
    old.successor = next
    try {
      await next.listening
      await this.#whenReady(next)
    } catch (error) {
      if (this.#workers.has(old)) old.successor = undefined
      next.end({ drainMs: 0, handOver: true })
      throw error
    }
    old.end({ handOver: true })
    await old.gone
  }

  async #whenReady(worker: WorkerHandle): Promise<void> {
    const deadline = performance.now() + readyMs
    for (;;) {
      const verdict = await worker.health()
      if (verdict?.ok) return
      if (!this.#workers.has(worker) || performance.now() > deadline || this.#ending.signal.aborted)
        throw new Error(verdict?.reasons.join('; ') ?? 'the worker does not answer')
      await pause(readyEveryMs, this.#ending.signal)
    }
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ending
    const silent = new Map<WorkerHandle, number>()
    for (;;) {
      await pause(checkMs, signal)
      if (signal.aborted) return
      const rounds = [...this.#workers].map(async (worker) => {
        const answers = (await worker.health()) !== undefined
        const count = answers ? 0 : (silent.get(worker) ?? 0) + 1
        silent.set(worker, count)
        if (count < maxMissedChecks) return
        this.#log('error', 'killing a worker that does not answer', { worker: worker.id, pid: worker.pid })
        worker.kill()
      })
      await Promise.all(rounds)
      for (const worker of silent.keys()) if (!this.#workers.has(worker)) silent.delete(worker)
    }
  }
}
