import { readHistory } from '../../../core/delivery/history.ts'
import { printCursor } from '../../../core/model/cursor.ts'
import { badInput } from '../../../errors.ts'
import { gapObject } from '../../model/gap-notice.ts'
import type { TypedObject } from '../../model/typed-value.ts'
import { plainValue } from '../../projection/typed-resolvers.ts'
import type { EventContext } from '../event-context.ts'
import type { ServedEvents } from '../served-events.ts'
import { SubscriptionAccess, type SubscriptionRequest } from '../subscription-access.ts'
import { resultOf } from '../typed-results.ts'
import { reserveFor } from './reserve-page.ts'

const defaultPage = 100
const maxPage = 1_000

/**
 * What the query cost of a page counts, as for `history`: see `graphql/limits/operation-cost.ts`.
 */
export const historyCost = {
  complexity: 10,
  pageSize: ({ first }: Readonly<Record<string, unknown>>) =>
    typeof first === 'number' ? Math.min(first, maxPage) : defaultPage,
}

export interface FieldHistory {
  /** As the field itself delivers them. */
  readonly events: readonly unknown[]
  readonly cursor: string
  readonly hasMore: boolean
  /** Of the type `EventGap`. */
  readonly gap: TypedObject | null
}

/** Reads a page of the past events of a typed field, by the same conditions and rights. */
export async function readFieldHistory(
  served: ServedEvents,
  request: SubscriptionRequest,
  context: EventContext,
): Promise<FieldHistory> {
  const { identity, gateway } = context
  const { field, args } = request
  const first = args['first'] ?? defaultPage
  if (typeof first !== 'number' || first < 1 || first > maxPage)
    throw badInput('first', `expected a number from 1 to ${maxPage}, got ${JSON.stringify(first)}`)
  const access = new SubscriptionAccess(served, { ...request, operation: 'Query' })
  const { fields } = access.reader
  try {
    const after = field.builtIn.after === undefined ? undefined : args[field.builtIn.after]
    const page = await readHistory(gateway, {
      topic: access.topicFor(identity),
      after: typeof after === 'string' ? after : undefined,
      first,
      reserve: reserveFor(context),
    })
    const { gap } = page
    return {
      events: page.events.flatMap((event) => {
        const result = resultOf(fields, field, event)
        return result?.kind === 'value' ? [plainValue(result.value)] : []
      }),
      cursor: printCursor(page.cursor),
      hasMore: page.hasMore,
      gap: gap
        ? gapObject({
            reason: gap.reason,
            oldest: gap.oldest && printCursor(gap.oldest),
            cursor: printCursor(gap.cursor),
          })
        : null,
    }
  } finally {
    access.release()
  }
}
