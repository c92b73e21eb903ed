import type { ApolloClient } from '@apollo/client'
import type { OrderChangedSubscription } from './generated/graphql.ts'
import { orderHistory } from './operations.ts'

export type OrderChange = NonNullable<OrderChangedSubscription['orderChanged']>

/**
 * What the page knows of a customer's orders, with the cursor after which it goes on. Both are
 * stored together, so that a reloaded page shows each change once.
 */
export interface OrderLog {
  readonly changes: readonly OrderChange[]
  readonly after: string
  /** Whether changes are missing for good. */
  readonly isIncomplete: boolean
}

const maxChanges = 200

/** The log with one more result of the subscription. Null is a gap. */
export function withResult(log: OrderLog, change: OrderChange | null): OrderLog {
  if (change === null) return { ...log, isIncomplete: true }
  return { ...log, changes: [...log.changes, change].slice(-maxChanges), after: change.cursor }
}

/** The log of this tab, also if the page was reloaded; else what the journal still has. */
export async function openLog(apollo: ApolloClient, customerId: string): Promise<OrderLog> {
  const stored = sessionStorage.getItem(keyOf(customerId))
  return stored === null ? readHistory(apollo, customerId) : (JSON.parse(stored) as OrderLog)
}

export function storeLog(customerId: string, log: OrderLog): void {
  sessionStorage.setItem(keyOf(customerId), JSON.stringify(log))
}

/** The next `openLog` reads the journal. */
export function forgetLog(customerId: string): void {
  sessionStorage.removeItem(keyOf(customerId))
}

const keyOf = (customerId: string) => `orders of ${customerId}`

async function readHistory(apollo: ApolloClient, customerId: string): Promise<OrderLog> {
  let log: OrderLog = { changes: [], after: '', isIncomplete: false }
  for (;;) {
    const variables = { customerId, after: log.after || null }
    const { data } = await apollo.query({ query: orderHistory, variables, fetchPolicy: 'no-cache' })
    if (!data) throw new Error('expected a page of the history')
    const { events, cursor, hasMore, gap } = data.orderChangedHistory
    log = {
      changes: [...log.changes, ...events.flatMap((change) => change ?? [])].slice(-maxChanges),
      after: cursor,
      isIncomplete: log.isIncomplete || gap !== null,
    }
    if (!hasMore) return log
  }
}
