import type { Run } from './run.ts'

export interface Distribution {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

/** Percentiles of durations in milliseconds by nearest rank, rounded to a hundredth. */
export function distributionOf(durations: readonly number[]): Distribution {
  const sorted = Float64Array.from(durations).sort()
  const at = (share: number) => Math.round((sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0) * 100) / 100
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/** The results of a run, for a terminal. */
export function printRun(run: Run): string {
  const { count, connected, connectMs, connect, messages, bytes, messagesMs, roundTrip, failures } = run
  const lines = [
    `connections  ${connected} of ${count} in ${seconds(connectMs)}, ${rate(connected, connectMs)}; ${line(connect)}`,
    `messages     ${messages} of ${bytes} bytes in ${seconds(messagesMs)}, ${rate(messages, messagesMs)}; ${line(roundTrip)}`,
    `bytes        ${messages * bytes} sent and checked`,
    ...[...failures].map(([reason, times]) => `failed       ${times}: ${reason}`),
  ]
  return `${lines.join('\n')}\n`
}

function line(durations: readonly number[]): string {
  const { p50, p90, p99, max } = distributionOf(durations)
  return `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, max ${max} ms`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`
}

function rate(amount: number, ms: number): string {
  return `${Math.round((amount / Math.max(ms, 1)) * 1000)} a second`
}

const barWidth = 40
/** Minimum time between two updates, in milliseconds. */
const drawMs = 100

/** A progress bar in one line of a terminal. Writes nothing elsewhere. */
export function progressBar(to: Pick<NodeJS.WriteStream, 'isTTY' | 'write'>): {
  show: (phase: string, done: number, of: number) => void
  end: () => void
} {
  if (!to.isTTY) return { show() {}, end() {} }
  let drawnAt = 0
  return {
    show(phase, done, of) {
      const now = performance.now()
      if (now - drawnAt < drawMs && done < of) return
      drawnAt = now
      const filled = Math.round((done / Math.max(of, 1)) * barWidth)
      to.write(`\r${phase.padEnd(10)} [${'#'.repeat(filled).padEnd(barWidth, '.')}] ${done} of ${of} `)
    },
    end: () => void to.write('\r\u001B[K'),
  }
}
