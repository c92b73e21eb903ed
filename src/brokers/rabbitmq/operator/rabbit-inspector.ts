import type { BrokerInspector, ConnectedNode } from '../../../core/inspection/broker-inspector.ts'
import type { Message } from '../../../core/model/message.ts'
import type { QuarantineDecision, QuarantineStore, QuarantineVisit } from '../../../core/quarantine/quarantine-store.ts'
import type { Nodes } from '../connection/node-list.ts'
import { MessageSampler } from '../sampling/message-sampler.ts'
import { dropUndeliverable } from '../topology/drop-undeliverable.ts'
import { QuarantineQueue } from '../topology/quarantine-queue.ts'

const maxNames = 100

/** Answers operators over a connection for each question, which each node is asked for once. */
export class RabbitInspector implements BrokerInspector, QuarantineStore {
  readonly quarantine = this
  readonly #urls: readonly string[]
  readonly #namespace: string
  readonly #nodes: Nodes
  #lastVisit: Promise<unknown> = Promise.resolve()

  /** `nodes`: those that the connections of the gateway share. */
  constructor(urls: readonly string[], namespace: string, nodes: Nodes) {
    this.#urls = urls
    this.#nodes = nodes
    this.#namespace = namespace
  }

  get nodes(): readonly ConnectedNode[] {
    return this.#nodes.connected
  }

  async existingExchanges(names: readonly string[]): Promise<string[]> {
    const sampler = new MessageSampler(this.#urls)
    try {
      const existing: string[] = []
      for (const name of names.slice(0, maxNames)) if (await sampler.exchangeExists(name)) existing.push(name)
      return existing
    } finally {
      await sampler.close()
    }
  }

  visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<QuarantineVisit> {
    return this.#inTurn(async () => {
      const queue = this.#openQueue()
      try {
        return await queue.visit(limit, decide)
      } finally {
        await queue.close()
      }
    })
  }

  dropUndeliverable(): Promise<boolean> {
    return this.#inTurn(() => dropUndeliverable(() => this.#openQueue()))
  }

  #openQueue(): QuarantineQueue {
    return new QuarantineQueue(this.#urls, { namespace: this.#namespace })
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#lastVisit.then(work)
    this.#lastVisit = result.catch(() => undefined)
    return result
  }
}
