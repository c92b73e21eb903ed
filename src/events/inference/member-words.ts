import { singularWords, wordsOf } from '../draft/names.ts'
import type { Shape } from './shape.ts'

export function leftOutRemark(leftOut: number): string[] {
  return leftOut === 0 ? [] : [`Left out: ${leftOut} more ${leftOut === 1 ? 'member' : 'members'}.`]
}

/** The value of `{value, currency}` is an amount. */
export function readAs(member: string, members: ReadonlyMap<string, unknown>): string {
  return member === 'value' && members.has('currency') ? 'amount' : member
}

/** `lines` holds a `line`. */
export function elementName(member: string): string {
  const words = wordsOf(member)
  const one = singularWords(words)
  return one.join() === words.join() ? member : one.join('_')
}

export function commonSuffix(names: readonly (readonly string[])[]): readonly string[] {
  const [first = []] = names
  let length = 0
  while (length < first.length && names.every((words) => words.at(-1 - length) === first.at(-1 - length))) length += 1
  return first.slice(first.length - length)
}

/** What several members of unlike names hold, if it is one of the usual things. */
export function knownShape(shapes: readonly Shape[]): readonly string[] | undefined {
  const names = [...(shapes[0]?.members.keys() ?? [])].map((name) => name.toLowerCase())
  if (names.length <= 3 && names.includes('currency')) return ['money']
  if (names.includes('lat') || names.includes('latitude')) return ['position']
  if (names.length <= 3 && names.includes('id')) return ['reference']
  return undefined
}
