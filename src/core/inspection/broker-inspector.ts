import type { QuarantineStore } from '../quarantine/quarantine-store.ts'

/** A node of the broker that this replica is connected to. */
export interface ConnectedNode {
  /** Host and port, as in `WARREN_BROKER_URL`. */
  readonly address: string
  /** How many connections this replica has to it. */
  readonly connections: number
  /** How the node describes itself; empty if it does not. */
  readonly product: string
  readonly version: string
  readonly cluster: string
}

/** What operators ask of the broker itself. Every method may reject with `BROKER_UNAVAILABLE`. */
export interface BrokerInspector {
  /** The nodes that this replica is connected to now, from open connections. Never throws. */
  readonly nodes: readonly ConnectedNode[]
  /** Those of these exchanges that exist. At most 100 names. */
  existingExchanges(names: readonly string[]): Promise<string[]>
  /** Visits of one replica wait for each other, because a visit holds the messages. */
  readonly quarantine: QuarantineStore
}
