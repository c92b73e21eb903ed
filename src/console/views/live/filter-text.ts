import { outcomesOf } from './filter.ts'

/** Parts of a sentence about messages with the outcome. */
const outcomeWords = {
  DELIVERED: 'a subscription took (delivered, waiting or dropped)',
  NO_SUBSCRIBER: 'had no subscriber',
  UNMATCHED: 'found no client',
  FILTERED: 'typed fields excluded',
  INVALID: 'do not fit a typed field',
  QUARANTINED: 'could not be read',
  REPEATED: 'repeat an earlier one',
} as const

/** What the filter in the address takes, in one sentence. Undefined: there is no filter. */
export function filterText(params: URLSearchParams): string | undefined {
  const of = (name: string, words: (value: string) => string): string[] => {
    const value = params.get(name)
    return value ? [words(value)] : []
  }
  const parts = [
    ...of('exchange', (value) => `of the exchange ${value}`),
    ...of('key', (value) => `with a key like ${value}`),
    ...of('client', (value) => `for the client ${value}`),
    ...of('text', (value) => `with exactly “${value}” in the body`),
  ]
  const outcomes = outcomesOf(params).map((name) => outcomeWords[name])
  if (parts.length === 0 && outcomes.length === 0) return undefined
  return `Only messages ${[...parts, ...(outcomes.length > 0 ? [`that ${outcomes.join(', or ')}`] : [])].join(', ')}.`
}
