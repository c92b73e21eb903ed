/** RFC 3339 §5.6, in upper or lower case. */
const dateTime = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/

/**
 * A text that is equal for the same instant, whatever its offset from UTC and its zeros at the end
 * of the fraction, and sorts in order of time. Undefined for what is no RFC 3339 date.
 */
export function instantOf(text: string): string | undefined {
  const match = dateTime.exec(text)
  if (!match) return undefined
  const [, day, minute, second = '', fraction = '', offset = ''] = match
  // `Date` has no leap second: the minute and the second are kept apart.
  const milliseconds = Date.parse(`${day}T${minute}:00${offset.toUpperCase()}`)
  if (Number.isNaN(milliseconds) || second > '60') return undefined
  // From the year -1 on, so that no offset makes it negative.
  const minutes = Math.floor(milliseconds / 60_000) + minutesBeforeEpoch
  let end = fraction.length
  while (end > 0 && fraction.charCodeAt(end - 1) === 0x30) end -= 1
  return `${String(minutes).padStart(digits, '0')}:${second}.${fraction.slice(0, end)}`
}

const minutesBeforeEpoch = 2_000_000_000
const digits = 10
