import { testOrder, testOrderType } from '../../core/publishing/test-data.ts'
import { publicationOf } from '../../core/publishing/to-publication.ts'
import { badInput } from '../../errors.ts'
import type { RestParts, Route } from './route.ts'

const maxCount = 1_000
/** How many channels are published to if the caller names none. */
const maxChannels = 100

/**
 * Publishes test data to the named channel, or to all channels with subscribers. It needs no token,
 * as in the old system, so the route exists only with test routes on.
 */
export const publishDataOverCh: Route = {
  path: '/v1/publish-data-over-ch',
  method: 'GET',
  deprecated: true,
  exists: ({ testRoutes }) => testRoutes,
  async answer({ query }, parts) {
    const count = countIn(query.get('count') ?? '1')
    const named = query.get('clientId')
    const channels = named === null ? subscribedChannels(parts) : [named]
    let published = 0
    for (const clientId of channels) {
      for (let number = 1; number <= count; number += 1) {
        const request = { clientId, data: testOrder(number), type: testOrderType }
        await parts.gateway.publish(publicationOf(request, { namespace: parts.namespace, publisher: '' }))
        published += 1
      }
    }
    return { status: 200, body: { status: 'ok', channels, published } }
  },
}

function countIn(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1 || count > maxCount)
    throw badInput('count', `expected a number from 1 to ${maxCount}, got ${text.slice(0, 40)}`)
  return count
}

/** Channel names with several words are not a routing key of the default source. */
function subscribedChannels({ gateway }: RestParts): string[] {
  return [...gateway.hub.channels()].filter((channel) => !channel.includes('.')).slice(0, maxChannels)
}
