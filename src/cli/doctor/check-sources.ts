import type { Config } from '../../config/options/options.ts'
import type { Source } from '../../core/model/source.ts'
import type { Finding } from '../../core/ports/finding.ts'

/**
 * Lists the sources with an exchange that is bound directly to the journal. RabbitMQ closes the
 * connection of a publisher (541) if a stream cannot store its message, such as one with a decimal
 * header: docs/guides/sources.md.
 */
export function checkSources({ namespace }: Pick<Config, 'namespace'>, sources: readonly Source[]): Finding[] {
  // The gateway creates this source at its first start.
  const registered = sources.length === 0 ? [`${namespace}.events`] : sources.filter(isExposed).map(exchangeOf)
  const exchanges = [...new Set(registered)]
  if (exchanges.length === 0) return []
  const named = exchanges.map((exchange) => `"${exchange}"`).join(', ')
  return [
    {
      check: 'sources',
      status: 'warn',
      text: `bound directly to the journal, so RabbitMQ closes a publisher's connection (541) if a message has a decimal header: ${named}`,
      advice: 'publish no decimal headers there, or create the source with buffered: true (docs/guides/sources.md)',
    },
  ]
}

/** Whether messages of the source go from its exchange to the stream without a queue in between. */
function isExposed({ buffered }: Source): boolean {
  return !buffered
}

function exchangeOf({ exchange }: Source): string {
  return exchange
}
