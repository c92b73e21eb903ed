import { toDate } from '../../core/body/to-date.ts'
import { type AnyNumber, tokenOf } from './numbers.ts'

/** RFC 3339 in UTC, rounded to milliseconds; undefined outside the years 1 to 9999. */
export function dateTimeOfEpoch(number: AnyNumber, form: 'EPOCH_SECONDS' | 'EPOCH_MILLIS'): string | undefined {
  const nearest = Number(tokenOf(number))
  return toDate(Math.round(form === 'EPOCH_SECONDS' ? nearest * 1000 : nearest))?.toISOString()
}
