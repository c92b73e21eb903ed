import { badInput } from '../../errors.ts'

/**
 * An argument of the type `DateTime`, in milliseconds since the epoch. With a schema of typed
 * events it is text, because typed fields compare and return it as it was sent
 * (`keepDateTimesAsSent`).
 */
export function timeOf(argument: string, given: Date | string): number {
  const time = typeof given === 'string' ? Date.parse(given) : given.getTime()
  // RFC 3339 has leap seconds.
  if (Number.isNaN(time)) throw badInput(argument, `expected a time that exists, got ${String(given)}`)
  return time
}
