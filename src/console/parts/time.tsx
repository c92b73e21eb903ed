import { useSettings } from '../shell/settings.ts'
import { fullTime, none, time } from './format.ts'

/** A time in the chosen zone; both zones and the distance for the pointer. */
export function Time({ at, ms = true }: { at: string | Date | null | undefined; ms?: boolean }) {
  const { zone } = useSettings()
  if (at === null || at === undefined) return <span className="faint">{none}</span>
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={fullTime(date)}>
      {time(date, zone, { ms })}
    </time>
  )
}

/** The head of a column of times. */
export function ZoneName() {
  const { zone } = useSettings()
  return zone === 'utc' ? 'UTC' : 'local'
}
