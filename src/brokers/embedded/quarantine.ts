import { type Message, withOwnBody } from '../../core/model/message.ts'
import type { QuarantineDecision, QuarantineStore, QuarantineVisit } from '../../core/quarantine/quarantine-store.ts'

/** What is kept; beyond it the oldest messages are dropped. */
const bounds = { messages: 1_000, bytes: 16 * 1024 * 1024 }

/** The quarantine of the embedded broker, in memory. */
export class EmbeddedQuarantine implements QuarantineStore {
  readonly #messages = new Set<Message>()
  #bytes = 0

  deliver(message: Message): void {
    this.#messages.add(withOwnBody(message))
    this.#bytes += message.body.length
    for (const oldest of this.#messages) {
      if (this.#messages.size <= bounds.messages && this.#bytes <= bounds.bytes) break
      this.#remove(oldest)
    }
  }

  async visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<QuarantineVisit> {
    const messages = [...this.#messages]
    for (const message of messages.slice(0, limit)) if ((await decide(message)) === 'remove') this.#remove(message)
    return { count: messages.length, unread: 0 }
  }

  /** It can deliver all of them. */
  dropUndeliverable(): Promise<boolean> {
    return Promise.resolve(false)
  }

  #remove(message: Message): void {
    if (this.#messages.delete(message)) this.#bytes -= message.body.length
  }
}
