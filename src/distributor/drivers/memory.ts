import { EmbeddedDriver } from '../../brokers/embedded/driver.ts'

/**
 * A broker in this process. `memory:` is private to the caller; `memory://name` is shared by all
 * callers in the process that use the same name.
 */
export default class extends EmbeddedDriver {
  static readonly scheme = 'memory:'
}
