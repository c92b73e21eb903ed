import type { Finding } from '../../../core/ports/finding.ts'
import { isOlder } from './broker-version.ts'

const check = 'leader changes'
/** The first with https://github.com/rabbitmq/rabbitmq-server/pull/12236. */
const mended = [4, 0] as const

/**
 * Warns of RabbitMQ 3.9 to 3.13, which confirm messages and drop them when the leader of a stream
 * changes under a channel that published elsewhere too. A gateway takes care of that; other
 * publishers have to: docs/guides/publishing.md. AMQP does not say how many nodes a cluster has.
 */
export function examineLeaderChanges(versions: readonly string[]): Finding[] {
  if (versions.length === 0) return []
  const affected = distinct(versions.filter((version) => isOlder(version, mended)))
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
        'update RabbitMQ to 4.0 or later; until then, let back ends publish as docs/guides/publishing.md says, or make the sources with buffered: true',
    },
  ]
}

function distinct(versions: readonly string[]): string[] {
  return [...new Set(versions)]
}
