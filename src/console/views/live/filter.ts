import type { MessageOutcome, TailSubscriptionVariables } from '../../api/generated/graphql.ts'

/** The words that the filter bar of Live knows, and the parameters of the address. */
export const filterWords = ['exchange', 'key', 'client', 'text'] as const
/** Those of the journal. `words` searches as Trace does. */
export const journalWords = [...filterWords, 'words'] as const
export type FilterWord = (typeof journalWords)[number]

/** `client:alice` → `['client', 'alice']`. Text without a known word is a value of `plain`. */
export function parseFilter(
  typed: string,
  words: readonly FilterWord[],
  plain: FilterWord,
): [FilterWord, string] | undefined {
  const text = typed.trim()
  if (text === '') return undefined
  const [, word = '', value = ''] = /^(\w+):(.*)$/s.exec(text) ?? []
  const known = words.find((one) => one === word.toLowerCase())
  if (known) return value === '' ? undefined : [known, value]
  return [plain, text]
}

export const outcomeNames = [
  'DELIVERED',
  'NO_SUBSCRIBER',
  'UNMATCHED',
  'FILTERED',
  'INVALID',
  'QUARANTINED',
  'REPEATED',
] as const satisfies readonly MessageOutcome[]

/** The filter in the address. */
export function filterOf(params: URLSearchParams): TailSubscriptionVariables {
  const outcomes = outcomesOf(params)
  return {
    channel: params.get('client'),
    filter: {
      exchange: params.get('exchange'),
      routingKey: params.get('key'),
      text: params.get('text'),
      // A message without a client that typed fields read has the outcome NO_SUBSCRIBER.
      outcomes:
        outcomes.length === 0 ? null : outcomes.includes('UNMATCHED') ? [...outcomes, 'NO_SUBSCRIBER'] : outcomes,
    },
  }
}

export function outcomesOf(params: URLSearchParams): (typeof outcomeNames)[number][] {
  const named = (params.get('outcome') ?? '').split(',')
  return outcomeNames.filter((name) => named.includes(name))
}

/** Whether a message that the gateway sent for the filter has one of the chosen outcomes. */
export function isChosen(
  { outcome, withoutClient }: { readonly outcome: string | null; readonly withoutClient: boolean },
  chosen: readonly string[],
): boolean {
  if (chosen.length === 0) return true
  const shown = outcome === 'NO_SUBSCRIBER' && withoutClient ? 'UNMATCHED' : outcome
  return shown !== null && chosen.includes(shown)
}
