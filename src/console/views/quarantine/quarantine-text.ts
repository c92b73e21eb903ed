import { count, plural } from '../../parts/format.ts'

interface ReasonCount {
  readonly reason: string
  readonly count: number
}

/** What the gateway counts of the quarantine. */
export interface QuarantineCounts {
  readonly count: number
  readonly unread: number
  readonly reasons: readonly ReasonCount[]
  readonly ofToday: readonly ReasonCount[]
}

/** A reason such as `broken-json`, in words. */
export function reasonWords(reason: string): string {
  if (reason === 'schema') return 'Does not fit the schema'
  const words = reason.replaceAll('-', ' ').replace('json', 'JSON')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The heading: all messages with their reasons, and those of today with theirs. */
export function quarantineText({ count: all, unread, reasons, ofToday }: QuarantineCounts): string {
  const counted = sumOf(reasons)
  const misfits = countOf(reasons, 'schema')
  const what =
    misfits === 0
      ? 'cannot be read'
      : misfits < counted
        ? 'cannot be read or do not fit the schema'
        : all === 1
          ? 'does not fit the schema'
          : 'do not fit the schema'
  const why = misfits === counted ? '' : `: ${listed(reasons)}`
  const rest = all - unread - counted
  const bound = rest > 0 ? ` The first ${count(counted)} of the queue are counted.` : ''
  return `${plural(all, 'message')} ${what}${why}.${bound} ${todayText(counted, reasons, ofToday)}`
}

function todayText(counted: number, reasons: readonly ReasonCount[], ofToday: readonly ReasonCount[]): string {
  const today = sumOf(ofToday)
  if (today === 0) return counted === 1 ? 'It came before today.' : 'None came today.'
  if (today === counted) return counted === 1 ? 'It came today.' : 'All came today.'
  return `${count(today)} came today${reasons.length > 1 ? `: ${listed(ofToday)}` : ''}.`
}

/** `broken JSON 3, schema 1`, or one reason without its number. */
function listed(reasons: readonly ReasonCount[]): string {
  const named = reasons.map((one) => ({ ...one, words: inSentence(one.reason) }))
  const [only, ...others] = named
  if (only && others.length === 0) return only.words
  return named.map((one) => `${one.words} ${count(one.count)}`).join(', ')
}

function inSentence(reason: string): string {
  if (reason === 'schema') return 'schema'
  return reasonWords(reason).replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())
}

function sumOf(reasons: readonly ReasonCount[]): number {
  return reasons.reduce((sum, one) => sum + one.count, 0)
}

function countOf(reasons: readonly ReasonCount[], reason: string): number {
  return reasons.find((one) => one.reason === reason)?.count ?? 0
}
