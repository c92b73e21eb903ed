import { type EntryFragment, MessagesDocument, type TailSubscriptionVariables } from '../../api/generated/graphql.ts'
import { execute } from '../../api/graphql.ts'

/** What one page of the journal brings. */
const maxMissed = 200

/** Messages after the cursor that the filter takes, newest first. `complete`: there are no more. */
export async function messagesSince(
  after: string,
  { channel, filter }: TailSubscriptionVariables,
  signal: AbortSignal,
): Promise<{ readonly entries: readonly EntryFragment[]; readonly complete: boolean }> {
  const { exchange, routingKey, text, outcomes } = filter ?? {}
  const { messages } = await execute(
    MessagesDocument,
    {
      after,
      first: maxMissed,
      channel: channel ?? null,
      exchange: exchange ?? null,
      routingKey: routingKey ?? null,
      text: text ?? null,
    },
    signal,
  )
  const wanted = new Set<string>(outcomes ?? [])
  const entries = messages.nodes.filter(({ outcome }) => wanted.size === 0 || (outcome !== null && wanted.has(outcome)))
  return { entries: entries.toReversed(), complete: !messages.hasNewer }
}
