import type { BrowsedEntry } from '../../core/inspection/replica-outcomes.ts'
import { builder } from '../builder.ts'
import { JournalEntry } from './journal-entry.ts'

/** Recent messages for which the same reason holds. Times are in milliseconds since the epoch. */
interface MessagesByReason {
  readonly reason: string
  readonly count: number
  readonly firstAt: number
  readonly lastAt: number
  readonly sample: BrowsedEntry
}

export function messagesByReason(name: string, description: string) {
  return builder.objectRef<MessagesByReason>(name).implement({
    description,
    fields: (t) => ({
      reason: t.exposeString('reason'),
      count: t.exposeInt('count'),
      firstAt: t.field({ type: 'DateTime', resolve: ({ firstAt }) => new Date(firstAt) }),
      lastAt: t.field({ type: 'DateTime', resolve: ({ lastAt }) => new Date(lastAt) }),
      sample: t.expose('sample', { type: JournalEntry, description: 'The newest of them.' }),
    }),
  })
}
