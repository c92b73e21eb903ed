/** `–`: not applicable. `?`: not known. */
export const unknown = '?'
export const none = '–'

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const significant = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

type Known = number | null | undefined

/** Exact, thousands separated. */
export function count(value: Known): string {
  return value === null || value === undefined ? unknown : grouped.format(value)
}

/** A rate a second, without its unit. */
export function rate(value: Known): string {
  if (value === null || value === undefined) return unknown
  return value >= 100 || Number.isInteger(value) ? grouped.format(value) : significant.format(value)
}

export function bytes(value: Known): string {
  if (value === null || value === undefined) return unknown
  if (value < 1024) return `${grouped.format(value)} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let scaled = value
  let unit = -1
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024
    unit += 1
  }
  return `${significant.format(scaled)} ${units[unit]}`
}

/** `18 ms`, `1.4 s`, `41 s`, `38 min`, `61 h`, `4 d`. */
export function duration(ms: Known): string {
  if (ms === null || ms === undefined) return unknown
  const value = Math.abs(ms)
  if (value === 0) return '0 s'
  if (value < 1_000) return `${Math.max(1, Math.round(value))} ms`
  if (value < 10_000) return `${(value / 1_000).toFixed(1)} s`
  if (value < 120_000) return `${Math.round(value / 1_000)} s`
  if (value < 120 * 60_000) return `${Math.round(value / 60_000)} min`
  if (value < 72 * 3_600_000) return `${Math.round(value / 3_600_000)} h`
  return `${Math.round(value / 86_400_000)} d`
}

export function percent(share: Known, digits = 0): string {
  if (share === null || share === undefined) return unknown
  const value = share * 100
  // 99.96 % must not read as all of it.
  const rounded = digits === 0 ? Math.floor(value) : Math.floor(value * 10 ** digits) / 10 ** digits
  return `${value > 0 && rounded === 0 ? value.toPrecision(1) : rounded.toFixed(digits)} %`
}

export type Zone = 'utc' | 'local'

/** `14:26:51.402`, with the date if it is not today's. */
export function time(at: Date, zone: Zone, { ms = true, now = new Date() } = {}): string {
  const day = dayOf(at, zone)
  const clock = clockOf(at, zone).slice(0, ms ? 12 : 8)
  return day === dayOf(now, zone) ? clock : `${day} ${clock}`
}

/** When the day of this time begins. */
export function startOfDay(at: Date, zone: Zone): Date {
  const start = new Date(at)
  if (zone === 'utc') start.setUTCHours(0, 0, 0, 0)
  else start.setHours(0, 0, 0, 0)
  return start
}

/** Both zones and the distance, for the pointer. */
export function fullTime(at: Date, now = new Date()): string {
  const local = `${dayOf(at, 'local')} ${clockOf(at, 'local')}`
  return `${at.toISOString()} (UTC)\n${local} (local)\n${ago(at, now)}`
}

export function ago(at: Date, now = new Date()): string {
  const ms = now.getTime() - at.getTime()
  if (Math.abs(ms) < 1_000) return 'now'
  return ms > 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`
}

function dayOf(at: Date, zone: Zone): string {
  return zone === 'utc' ? at.toISOString().slice(0, 10) : shifted(at).toISOString().slice(0, 10)
}

function clockOf(at: Date, zone: Zone): string {
  return (zone === 'utc' ? at : shifted(at)).toISOString().slice(11, 23)
}

function shifted(at: Date): Date {
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
}

/** First six and last six characters of a long text. */
export function short(text: string): string {
  return text.length <= 15 ? text : `${text.slice(0, 6)}…${text.slice(-6)}`
}

/**
 * What waits for a client, of which only the queued events are counted: it reads what came later
 * from the journal.
 */
export function waitText(queued: number): string {
  if (queued === 0) return 'its events wait in the journal'
  return `at least ${plural(queued, 'event waits', 'events wait')}`
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}
