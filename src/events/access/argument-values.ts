import { badInput } from '../../errors.ts'
import type { Equality } from '../matching/equality.ts'
import type { ConditionArgument } from '../model/event-schema.ts'

/** The most values of a list argument. */
export const maxArgumentValues = 100

/**
 * The canonical texts of an argument, or undefined if it is left out or null. Throws
 * `BAD_USER_INPUT` with the argument's name.
 */
export function argumentTextsOf(
  { name, kind, enumName, list }: ConditionArgument,
  value: unknown,
  equality: Equality,
): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined
  const expected = enumName ?? kind
  if (Array.isArray(value)) {
    if (!list) throw badInput(name, `expected one value of the type ${expected}, got a list`)
    if (value.length === 0) throw badInput(name, 'expected at least one value, got an empty list')
    if (value.length > maxArgumentValues) {
      throw badInput(name, `expected at most ${maxArgumentValues} values, got ${value.length}`)
    }
  }
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.map((item) => {
    const text = equality.ofArgument(item)
    if (text === undefined) throw badInput(name, `expected a value of the type ${expected}, got ${describe(item)}`)
    return text
  })
}

function describe(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'object' && value !== null
      ? 'an object'
      : String(value)
}
