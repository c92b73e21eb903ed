import type { Observer } from '../core/ports/observer.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'

/** The observer that the core needs: lines go to the logger, numbers to the metrics. */
export function observerOf(logger: Logger, metrics: Metrics): Observer {
  return { ...metrics, log: logger.log }
}
