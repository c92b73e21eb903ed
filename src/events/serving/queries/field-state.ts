import { printCursor } from '../../../core/model/cursor.ts'
import { readState } from '../../../core/state/read-state.ts'
import { badInput } from '../../../errors.ts'
import { plainValue } from '../../projection/typed-resolvers.ts'
import { statePage } from '../../sdl/type-system/state-types.ts'
import type { EventContext } from '../event-context.ts'
import type { ServedEvents } from '../served-events.ts'
import { SubscriptionAccess, type SubscriptionRequest } from '../subscription-access.ts'
import { resultOf } from '../typed-results.ts'
import { reserveFor } from './reserve-page.ts'

/** What the query cost of a page counts, as for `historyCost`. */
export const stateQueryCost = {
  complexity: 10,
  pageSize: ({ first }: Readonly<Record<string, unknown>>) =>
    typeof first === 'number' ? Math.min(first, statePage.max) : statePage.default,
}

export interface FieldStatePage {
  /** As the field itself delivers them. */
  readonly nodes: readonly unknown[]
  readonly endCursor: string | undefined
  readonly hasMore: boolean
  readonly cursor: string
}

/**
 * Reads a page of the keyed state of a typed field. The caller needs the rights to subscribe to the
 * field with the same arguments, and is refused in the same words.
 */
export async function readFieldState(
  served: ServedEvents,
  request: SubscriptionRequest,
  context: EventContext,
): Promise<FieldStatePage> {
  const { identity, gateway } = context
  const { field, args } = request
  const access = new SubscriptionAccess(served, request)
  try {
    const topic = access.topicFor(identity)
    const first = args['first'] ?? statePage.default
    if (typeof first !== 'number' || first < 1 || first > statePage.max)
      throw badInput('first', `expected a number from 1 to ${statePage.max}, got ${JSON.stringify(first)}`)
    const after = args['after']
    const page = await readState(gateway, {
      topic,
      after: typeof after === 'string' ? after : undefined,
      first,
      reserve: reserveFor(context),
    })
    const { fields } = access.reader
    return {
      nodes: page.events.flatMap((event) => {
        const result = resultOf(fields, field, event)
        const isValue = result?.kind === 'value' && (result.value !== null || field.invalid === 'NULL')
        return isValue ? [plainValue(result.value)] : []
      }),
      endCursor: page.endCursor,
      hasMore: page.endCursor !== undefined,
      cursor: printCursor(page.cursor),
    }
  } finally {
    access.release()
  }
}
