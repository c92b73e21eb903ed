import { UndecodableBody } from './body.ts'
import type { Broker } from './broker.ts'
import type { JournalMessage } from './message.ts'
import type { Observer } from './observer.ts'

/** How many offsets are remembered so that poison met again (by a resume, say) is not put away twice. */
const maxRemembered = 10_000

/**
 * Where poison goes: what cannot be turned into an event, with all its properties and the reason in `x-warren-reason`. It
 * never reaches a client and never stops the tail.
 */
export class Quarantine {
  readonly #broker: Broker
  readonly #observer: Observer
  readonly #exchange: string
  readonly #seen = new Set<number>()

  constructor(broker: Broker, observer: Observer, exchange: string) {
    this.#broker = broker
    this.#observer = observer
    this.#exchange = exchange
  }

  /** Puts the message away once; an error that is no `UndecodableBody` is put away as broken too, and logged. */
  put(message: JournalMessage, error: unknown): void {
    if (this.#seen.has(message.offset)) return
    this.#seen.add(message.offset)
    for (const offset of this.#seen) {
      if (this.#seen.size <= maxRemembered) break
      this.#seen.delete(offset)
    }
    const reason = error instanceof UndecodableBody ? error.reason : 'broken-json'
    const text = error instanceof Error ? error.message : String(error)
    this.#observer.messageQuarantined(reason)
    this.#observer.log('warn', `a message went to the quarantine: ${text}`, {
      exchange: message.exchange,
      routingKey: message.routingKey,
      offset: message.offset,
    })
    const { headers } = message.properties
    const publication = {
      exchange: this.#exchange,
      routingKey: message.routingKey,
      body: message.body,
      properties: {
        ...message.properties,
        headers: {
          ...headers,
          'x-warren-reason': reason,
          'x-warren-exchange': message.exchange,
          'x-warren-offset': message.offset,
        },
      },
    }
    this.#broker.publish(publication).catch((failure: unknown) => {
      this.#seen.delete(message.offset)
      this.#observer.log(
        'error',
        `the quarantine could not take a message: ${failure instanceof Error ? failure.message : String(failure)}`,
      )
    })
  }
}
