import { plural } from '../../parts/format.ts'
import type { ConsoleStats } from '../../shell/stats.tsx'

/** Subscriptions that are not live. What they have not read is matched later. */
export interface Behind {
  readonly subscriptions: number
  /** Some of their clients, each once. */
  readonly clients: readonly string[]
}

export function behindOf({ replicas }: Pick<ConsoleStats, 'replicas'>): Behind {
  return {
    subscriptions: replicas.reduce((sum, { catchingUp }) => sum + (catchingUp ?? 0), 0),
    clients: [...new Set(replicas.flatMap(({ catchingUpClients }) => catchingUpClients ?? []))],
  }
}

/** `2 subscriptions read`. */
export const subscriptionsRead = (subscriptions: number): string =>
  plural(subscriptions, 'subscription reads', 'subscriptions read')

/** The first sentence of the overview. `difference`: of the accounts. */
export function accountSentence(difference: number, { subscriptions }: Behind): string {
  if (difference !== 0) return `${plural(Math.abs(difference), 'event is', 'events are')} not accounted for.`
  if (subscriptions === 0) return 'Every event that was matched is accounted for.'
  const unread = `what ${subscriptions === 1 ? 'it has' : 'they have'} not read is not matched yet`
  return `Every event that was matched so far is accounted for. ${subscriptionsRead(subscriptions)} from the journal: ${unread}.`
}
