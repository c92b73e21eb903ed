import { EmbeddedBroker } from './broker.ts'

const shared = new Map<string, { broker: EmbeddedBroker; users: number }>()

export interface BrokerLease {
  readonly broker: EmbeddedBroker
  release(): void
}

/**
 * `memory:` creates a private broker. `memory://name` returns one broker for all users of the name
 * in this process, until the last user releases it.
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
