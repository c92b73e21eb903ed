import { collectDefaultMetrics, type Gauge, Registry } from 'prom-client'

/**
 * How often the delay of the event loop is measured, in milliseconds. Each time wakes the process:
 * with prom-client's 10 ms, an idle one needed 0.7 % of a processor for it.
 */
const loopDelayEveryMs = 100
/** prom-client's gauges of the delay, which Node.js measures with the interval before it. */
const loopDelays = ['min', 'max', 'mean', 'p50', 'p90', 'p99'].map((which) => `nodejs_eventloop_lag_${which}_seconds`)
/** What Node.js reports if it has measured nothing since the last scrape: NaN or 2⁶³ ns. */
const nothingMeasured = 2 ** 63 / 1e9

let nodeMetrics: Registry | undefined

/**
 * prom-client's metrics of Node.js. It has no way to end what measures them (a timer, an observer
 * of each garbage collection), so all gateways that a process opens share one.
 */
export function metricsOfNode(): Registry {
  if (nodeMetrics === undefined) {
    nodeMetrics = new Registry()
    collectDefaultMetrics({ register: nodeMetrics, eventLoopMonitoringPrecision: loopDelayEveryMs })
    for (const name of loopDelays) withoutInterval(nodeMetrics.getSingleMetric(name) as Gauge)
  }
  return nodeMetrics
}

/**
 * From now on the gauge shows the delay alone, in seconds, or its last value if nothing was
 * measured since.
 */
function withoutInterval(gauge: Gauge): void {
  const set = gauge.set.bind(gauge) as (labels: object, seconds: number) => void
  gauge.set = (labels: object | number, seconds?: number) => {
    if (seconds !== undefined && seconds < nothingMeasured)
      set(labels as object, Math.max(0, seconds - loopDelayEveryMs / 1000))
  }
}
