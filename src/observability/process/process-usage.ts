import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { ProcessUsage } from '../../core/inspection/replicas/replica-inspector.ts'

/** The interval at which the delay of the event loop is measured, in milliseconds. */
const resolutionMs = 20
/** The measuring stops when nothing has asked for it for this long, in milliseconds. */
const idleMs = 60_000

/** Reads the processor time, the memory and the event loop of this process. */
export function processUsage(): ProcessUsage & { close(): void } {
  let before = { at: performance.now(), cpu: process.cpuUsage() }
  let cpu: number | null = null
  let histogram: IntervalHistogram | undefined
  let askedAt = 0
  const stop = (): void => {
    histogram?.disable()
    histogram = undefined
  }
  return {
    sample() {
      const now = { at: performance.now(), cpu: process.cpuUsage() }
      const used = now.cpu.user - before.cpu.user + (now.cpu.system - before.cpu.system)
      cpu = used / 1000 / (now.at - before.at)
      before = now
      if (histogram && now.at - askedAt > idleMs) stop()
    },
    load() {
      askedAt = performance.now()
      if (!histogram) {
        histogram = monitorEventLoopDelay({ resolution: resolutionMs })
        histogram.enable()
        return { cpu, loopDelayMs: null }
      }
      const nanoseconds = histogram.percentile(99)
      const loopDelayMs = histogram.count === 0 ? null : Math.max(0, nanoseconds / 1e6 - resolutionMs)
      histogram.reset()
      return { cpu, loopDelayMs }
    },
    memory() {
      const { rss, heapUsed } = process.memoryUsage()
      return { rssBytes: rss, heapBytes: heapUsed }
    },
    close: stop,
  }
}
