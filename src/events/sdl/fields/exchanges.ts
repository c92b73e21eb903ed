import { maxShortStringBytes } from '../../../core/model/short-string.ts'
import type { ExchangeType } from '../../../core/model/source.ts'
import { isReservedExchange } from '../../../core/sources/reserved-exchanges.ts'
import type { SdlContext } from '../context.ts'
import { argumentNode, type DirectiveUse } from '../directives/uses.ts'
import { quoted } from '../mistakes.ts'

/** The exchanges of one set of files: each has one type. */
export class SdlExchanges {
  readonly #context: SdlContext
  readonly #types = new Map<string, { type: ExchangeType; use: DirectiveUse }>()

  constructor(context: SdlContext) {
    this.#context = context
  }

  /** The name in RabbitMQ of an exchange to read from; undefined if there is a mistake. */
  toRead(use: DirectiveUse<{ exchange: string; exchangeType: ExchangeType }>): string | undefined {
    const { exchange: name, exchangeType } = use.args
    const { mistakes } = this.#context
    if (name === '') {
      mistakes.error(
        argumentNode(use, 'exchange'),
        'expected the name of an exchange, got the default exchange, which no queue or stream can be bound to',
      )
      return undefined
    }
    // Presence is for clients to read.
    const exchange = this.#named(use, name, ['events', 'presence'])
    if (exchange === undefined) return undefined
    const first = this.#types.get(exchange)
    if (first && first.type !== exchangeType) {
      const { file, line } = mistakes.locationOf(first.use.node)
      mistakes.error(
        argumentNode(use, 'exchangeType'),
        `exchange ${quoted(exchange)} is ${exchangeType} here and ${first.type} in ${file}:${line}: an exchange has one type`,
      )
      return undefined
    }
    if (!first) this.#types.set(exchange, { type: exchangeType, use })
    return exchange
  }

  /** The same for an exchange that is published to. Empty: the default exchange. */
  toPublish(use: DirectiveUse<{ exchange: string }>): string | undefined {
    const { exchange } = use.args
    return exchange === '' ? '' : this.#named(use, exchange, ['events'])
  }

  #named(use: DirectiveUse, name: string, allowedWords: readonly string[]): string | undefined {
    const { mistakes, exchangeMap, namespace } = this.#context
    const node = argumentNode(use, 'exchange')
    const exchange = exchangeMap.get(name) ?? name
    const mapped = exchange === name ? '' : `, which WARREN_EXCHANGE_MAP makes of ${quoted(name)}`
    const bytes = Buffer.byteLength(exchange)
    if (bytes > maxShortStringBytes) {
      mistakes.error(
        node,
        `expected the name of an exchange of at most ${maxShortStringBytes} bytes, got ${bytes}${mapped}`,
      )
    } else if (/\p{Cc}/u.test(exchange)) {
      mistakes.error(node, `expected the name of an exchange without control characters${mapped}`)
    } else if (exchange === '') {
      mistakes.error(node, `expected the name of an exchange, got an empty one${mapped}`)
    } else if (this.#isReserved(exchange) && !allowedWords.some((word) => exchange === `${namespace}.${word}`)) {
      const allowed = allowedWords.map((word) => quoted(`${namespace}.${word}`)).join(' or ')
      mistakes.error(
        node,
        `exchange ${quoted(exchange)} is reserved for gateways${mapped}: use ${allowed}, or an exchange of your own`,
      )
    } else {
      return exchange
    }
    return undefined
  }

  #isReserved(exchange: string): boolean {
    return exchange.startsWith(`${this.#context.namespace}.`) || isReservedExchange(exchange)
  }
}
