import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { MessageProperties } from '../../../src/core/model/message.ts'
import type { EventInput } from '../../../src/events/model/typed-value.ts'

export interface InputOptions {
  readonly exchange?: string
  readonly routingKey?: string
  /** JSON text; undefined: the body is no JSON. */
  readonly json?: string
  readonly properties?: MessageProperties
  readonly redelivered?: boolean
  /** Thrown by `body()`. */
  readonly error?: Error
}

/** A message that counts how often its body is asked for. */
export class TestInput implements EventInput {
  readonly exchange: string
  readonly routingKey: string
  readonly properties: MessageProperties
  readonly redelivered: boolean
  readonly receivedAt = Date.UTC(2026, 10, 28)
  readonly cursor = 'cursor'
  bodyReads = 0
  readonly #options: InputOptions

  constructor(options: InputOptions = {}) {
    this.#options = options
    this.exchange = options.exchange ?? 'events'
    this.routingKey = options.routingKey ?? 'key'
    this.properties = options.properties ?? {}
    this.redelivered = options.redelivered ?? false
  }

  body(): unknown {
    this.bodyReads += 1
    if (this.#options.error) throw this.#options.error
    return this.#options.json === undefined ? undefined : parseJson(this.#options.json)
  }
}
