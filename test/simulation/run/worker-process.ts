import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import { compiled } from './build.ts'
import type { Order, Report } from './worker.ts'

/** How long a worker may take for one order before it counts as hanging, in milliseconds. */
const hangMs = 300_000

export class WorkerHangs extends Error {
  override readonly name = 'WorkerHangs'
}

/** A process that simulates: its globals are replaced, so it does nothing else. */
export class WorkerProcess {
  readonly #process: ChildProcess
  readonly #lines: Interface
  #onLine: (line: string) => void = () => undefined
  #onEnd: (reason: Error) => void = () => undefined
  #errors = ''

  /** `out`: the folder of `build`. */
  constructor(out: string) {
    const file = compiled(out, 'test/simulation/run/worker.ts')
    this.#process = spawn(process.execPath, ['--max-semi-space-size=16', file], {
      stdio: 'pipe',
      // A terminal's Ctrl+C is for the parent alone, which ends it.
      detached: true,
    })
    this.#process.stderr?.on('data', (chunk) => {
      this.#errors = (this.#errors + String(chunk)).slice(-4_000)
    })
    this.#process.on('exit', (code, signal) =>
      this.#onEnd(new Error(`the worker ended with ${code ?? signal}: ${this.#errors}`)),
    )
    this.#lines = createInterface({ input: this.#process.stdout as NodeJS.ReadableStream })
    this.#lines.on('line', (line) => this.#onLine(line))
  }

  /** Calls `onReport` for each report of the order, the last one included. One order at a time. */
  run(order: Order, onReport: (report: Report) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.end()
        reject(new WorkerHangs(`no answer within ${hangMs / 1000} s: ${JSON.stringify(order)}`))
      }, hangMs)
      this.#onEnd = (reason) => {
        clearTimeout(timer)
        reject(reason)
      }
      this.#onLine = (line) => {
        const report = JSON.parse(line) as Report
        onReport(report)
        if (report.kind === 'failed') return
        clearTimeout(timer)
        resolve()
      }
      this.#process.stdin?.write(`${JSON.stringify(order)}\n`)
    })
  }

  end(): void {
    this.#onEnd = () => undefined
    this.#process.kill('SIGKILL')
  }
}
