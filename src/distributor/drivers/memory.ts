import { MemoryDriver } from '../../brokers/embedded/driver.ts'

/** No broker at all: `memory:` for oneself, `memory://name` for all in this process that say the name. */
export default class extends MemoryDriver {
  static readonly scheme = 'memory:'
}
