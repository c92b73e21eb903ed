import type { QuarantineStore } from '../quarantine/quarantine-store.ts'

/** What operators ask of the broker itself. Every method may reject with `BROKER_UNAVAILABLE`. */
export interface BrokerInspector {
  /** Those of these exchanges that exist. At most 100 names. */
  existingExchanges(names: readonly string[]): Promise<string[]>
  /** Visits of one replica wait for each other, because a visit holds the messages. */
  readonly quarantine: QuarantineStore
}
