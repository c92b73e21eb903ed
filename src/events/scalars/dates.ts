/** RFC 3339 §5.6. `T` and `Z` may be in lower case. */
const dateTime = /^(\d{4}-\d\d-\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|([+-])(\d\d):(\d\d))$/
const fullDate = /^(\d{4})-(\d\d)-(\d\d)$/
const minutesOfDay = 24 * 60

/** Whether the text is a `full-date` of RFC 3339 that exists in the calendar. */
export function isFullDate(text: string): boolean {
  const [year = 0, month = 0, day = 0] = fullDate.exec(text)?.slice(1).map(Number) ?? []
  return month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)
}

/** Whether the text is a `date-time` of RFC 3339 that exists in the calendar. */
export function isRfc3339(text: string): boolean {
  const [, date = '', hourText, minuteText, secondText, sign, ...offsetTexts] = dateTime.exec(text) ?? []
  if (!isFullDate(date)) return false
  const [hour, minute, second] = [Number(hourText), Number(minuteText), Number(secondText)]
  const [offsetHour = 0, offsetMinute = 0] = offsetTexts.map((digits) => Number(digits ?? 0))
  if (hour > 23 || minute > 59 || offsetHour > 23 || offsetMinute > 59) return false
  if (second < 60) return true
  // A leap second is the last of a day in UTC (RFC 3339 §5.7).
  const offset = (sign === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute)
  return second === 60 && (hour * 60 + minute - offset + minutesOfDay) % minutesOfDay === minutesOfDay - 1
}

function daysOf(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
