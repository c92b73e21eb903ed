import type { Finding } from '../../../core/ports/finding.ts'
import { isOlder } from './broker-version.ts'

const check = 'leader changes'
/** The first version with https://github.com/rabbitmq/rabbitmq-server/pull/12236. */
const fixedIn = [4, 0] as const

/**
 * Warns about RabbitMQ 3.9 to 3.13. These confirm messages and then drop them when the leader of a
 * stream changes, on a channel that has also published elsewhere. A gateway avoids that; other
 * publishers have to avoid it themselves: docs/guides/publishing.md. AMQP does not reveal the
 * number of nodes in a cluster, so a single node gets the warning too.
 */
export function checkLeaderChanges(versions: readonly string[]): Finding[] {
  if (versions.length === 0) return []
  const affected = distinct(versions.filter((version) => isOlder(version, fixedIn)))
  if (affected.length === 0) {
    const text = `RabbitMQ ${distinct(versions).join(', ')} keeps what it confirmed when the leader of a stream changes`
    return [{ check, status: 'ok', text }]
  }
  return [
    {
      check,
      status: 'warn',
      text: `in a cluster, RabbitMQ ${affected.join(', ')} loses confirmed messages when the leader of a stream changes, on channels that also publish elsewhere`,
      advice:
        'update RabbitMQ to 4.0 or later; until then, let back ends publish as docs/guides/publishing.md describes, or create the sources with buffered: true',
    },
  ]
}

function distinct(versions: readonly string[]): string[] {
  return [...new Set(versions)]
}
