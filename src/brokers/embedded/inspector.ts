import type { BrokerInspector } from '../../core/inspection/broker-inspector.ts'
import type { QuarantineStore } from '../../core/quarantine/quarantine-store.ts'
import type { EmbeddedBroker } from './broker.ts'

export class EmbeddedInspector implements BrokerInspector {
  readonly nodes = []
  readonly quarantine: QuarantineStore
  readonly #broker: EmbeddedBroker

  constructor(broker: EmbeddedBroker, quarantine: QuarantineStore) {
    this.#broker = broker
    this.quarantine = quarantine
  }

  async existingExchanges(names: readonly string[]): Promise<string[]> {
    return names.filter((name) => this.#broker.typeOf(name) !== undefined)
  }
}
