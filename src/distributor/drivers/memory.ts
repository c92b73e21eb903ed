import { EmbeddedDriver } from '../../brokers/embedded/driver.ts'

/**
 * No broker at all: `memory:` for oneself, `memory://name` for all in this process that say the
 * name.
 */
export default class extends EmbeddedDriver {
  static readonly scheme = 'memory:'
}
