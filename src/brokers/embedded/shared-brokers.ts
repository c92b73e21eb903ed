import { EmbeddedBroker } from './broker.ts'

const shared = new Map<string, { broker: EmbeddedBroker; users: number }>()

export interface BrokerLease {
  readonly broker: EmbeddedBroker
  release(): void
}

/**
 * `memory:` is a broker of one's own; `memory://name` the same one for all in this process that say
 * the name, until the last is done.
 */
export function leaseBroker(url: string): BrokerLease {
  const { host } = new URL(url)
  if (host === '') return { broker: new EmbeddedBroker(), release() {} }
  const entry = shared.get(host) ?? { broker: new EmbeddedBroker(), users: 0 }
  shared.set(host, entry)
  entry.users += 1
  let released = false
  return {
    broker: entry.broker,
    release() {
      if (released) return
      released = true
      entry.users -= 1
      if (entry.users === 0) shared.delete(host)
    },
  }
}
