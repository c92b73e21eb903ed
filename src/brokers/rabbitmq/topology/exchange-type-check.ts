import type { Observer } from '../../../core/ports/observer.ts'
import { GatewayError } from '../../../errors.ts'
import { type AmqpExchangeType, checkExchangeType } from '../channel/exchange.ts'
import type { ChannelModel } from '../connection/amqp.ts'

/**
 * Logs exchanges with another type than their sources declare. Such an exchange is bound all the
 * same, and routes by its own rules. Each exchange is checked once on each connection.
 */
export class ExchangeTypeCheck {
  readonly #log: Observer['log']
  readonly #checked = new Set<string>()
  /** By exchange, the reason in its last log line. */
  readonly #logged = new Map<string, string>()

  constructor(log: Observer['log']) {
    this.#log = log
  }

  /** Called for each connection. `exchanges`: those that still have sources. */
  begin(exchanges: ReadonlySet<string>): void {
    this.#checked.clear()
    for (const exchange of this.#logged.keys()) if (!exchanges.has(exchange)) this.#logged.delete(exchange)
  }

  /** Never rejects. */
  async check(connection: ChannelModel, exchange: string, type: AmqpExchangeType): Promise<void> {
    if (this.#checked.has(exchange)) return
    this.#checked.add(exchange)
    try {
      await checkExchangeType(connection, exchange, type)
      this.#logged.delete(exchange)
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        // The connection is lost, or the exchange was deleted: the next round checks it.
        this.#checked.delete(exchange)
        return
      }
      if (this.#logged.get(exchange) === error.message) return
      this.#logged.set(exchange, error.message)
      this.#log('warn', `a source may receive other messages than it declares: ${error.message}`, { exchange })
    }
  }
}
