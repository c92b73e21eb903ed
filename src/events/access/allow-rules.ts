import { hasToken } from '../../core/model/identity.ts'
import type { AllowRule } from '../model/event-schema.ts'
import type { EventCaller } from './event-caller.ts'

/**
 * The texts of an argument for a scope such as `room:{id}`: several for a list, none if it is left
 * out.
 */
export type ArgumentTexts = (path: readonly string[]) => readonly string[]

/** Whether one of the rules holds. Without rules, none does. */
export function isAllowed(rules: readonly AllowRule[], caller: EventCaller, textsOf: ArgumentTexts): boolean {
  return rules.some((rule) => holds(rule, caller, textsOf))
}

function holds({ scopes, anonymous }: AllowRule, caller: EventCaller, textsOf: ArgumentTexts): boolean {
  if (anonymous) return true
  if (!hasToken(caller.identity)) return false
  // The token of a deleted client is no more than its scope.
  if (scopes.length === 0) return caller.identity.disowned !== true
  const { words } = caller.identity.scope
  return scopes.every((scope) => {
    const needed = expand(scope, textsOf)
    return needed.length > 0 && needed.every((word) => words.includes(word))
  })
}

const placeholder = /\{([^{}]*)\}/g

/**
 * The words that a scope stands for: one for each value of a list. None if an argument is left out,
 * or if a value is empty or has white space and so is no part of a word.
 */
function expand(scope: string, textsOf: ArgumentTexts): readonly string[] {
  let words = ['']
  let taken = 0
  for (const match of scope.matchAll(placeholder)) {
    const before = scope.slice(taken, match.index)
    const texts = textsOf((match[1] ?? '').split('.'))
    if (texts.some((text) => text === '' || /\s/.test(text))) return []
    words = words.flatMap((word) => texts.map((text) => word + before + text))
    taken = match.index + match[0].length
  }
  return words.map((word) => word + scope.slice(taken))
}
