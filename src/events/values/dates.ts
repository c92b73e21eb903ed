import { toDate } from '../../core/body/to-date.ts'
import { type AnyNumber, tokenOf } from './numbers.ts'

/** RFC 3339 §5.6. `T` and `Z` may be in lower case. */
const dateTime = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const fullDate = /^(\d{4})-(\d\d)-(\d\d)$/
const minutesOfDay = 24 * 60

export function isDate(text: string): boolean {
  const [, year, month, day] = fullDate.exec(text) ?? []
  return year !== undefined && isDayOf(Number(year), Number(month), Number(day))
}

export function isDateTime(text: string): boolean {
  const found = dateTime.exec(text)
  if (!found) return false
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number)
  const [offsetHour, offsetMinute] = [Number(found[8] ?? 0), Number(found[9] ?? 0)]
  if (!isDayOf(year, month, day) || hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  // A leap second is the last of a day in UTC (RFC 3339 §5.7).
  const offset = (found[7] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  const utc = (hour * 60 + minute - offset + minutesOfDay) % minutesOfDay
  return second === 60 && utc === minutesOfDay - 1
}

/** RFC 3339 in UTC, rounded to milliseconds; undefined outside the years 1 to 9999. */
export function dateTimeOfEpoch(number: AnyNumber, form: 'EPOCH_SECONDS' | 'EPOCH_MILLIS'): string | undefined {
  const nearest = Number(tokenOf(number))
  return toDate(Math.round(form === 'EPOCH_SECONDS' ? nearest * 1000 : nearest))?.toISOString()
}

function isDayOf(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
