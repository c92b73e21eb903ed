import { availableParallelism } from 'node:os'
import { BadValue, type Kind } from './kind.ts'

export function count({ min, max }: { min: number; max: number }): Kind<number> {
  return {
    expected: `a whole number from ${min} to ${max}`,
    parse(text) {
      if (!/^\d+$/.test(text)) throw new BadValue()
      return within(Number(text), min, max)
    },
    print: String,
  }
}

const maxProcesses = 256

/** The number of processes. `auto` is the number of processors that this process may use. */
export const processes: Kind<number> = {
  expected: `auto or a whole number from 1 to ${maxProcesses}`,
  parse(text) {
    if (text === 'auto') return Math.min(maxProcesses, availableParallelism())
    return count({ min: 1, max: maxProcesses }).parse(text)
  },
  print: String,
}

const durationUnits = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
] as const

/**
 * In milliseconds. A number without a unit is rejected because it could mean seconds or
 * milliseconds.
 */
export function duration({ min, max }: { min: string; max: string }): Kind<number> {
  const [minMs, maxMs] = [parseDuration(min), parseDuration(max)]
  return {
    expected: `a duration from ${min} to ${max}, such as 500ms, 30s, 5m, 24h or 7d`,
    parse: (text) => within(parseDuration(text), minMs, maxMs),
    print: printDuration,
  }
}

function parseDuration(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([a-z]+)$/.exec(text) ?? []
  return Math.round(Number(digits) * factorOf(durationUnits, unit))
}

function printDuration(ms: number): string {
  // 24h is the usual way to write one day; longer durations use days, such as 2d.
  return inLargestUnit(ms, ms === 86_400_000 ? durationUnits.slice(1) : durationUnits, 'ms')
}

const byteUnits = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['', 1],
] as const

export function bytes({ min, max }: { min: string; max: string }): Kind<number> {
  const [minBytes, maxBytes] = [parseBytes(min), parseBytes(max)]
  return {
    expected: `a size from ${min} to ${max}, such as 65536, 64KiB, 1MiB or 1GiB`,
    parse: (text) => within(parseBytes(text), minBytes, maxBytes),
    print: printBytes,
  }
}

function parseBytes(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text) ?? []
  return Math.round(Number(digits) * factorOf(byteUnits, unit))
}

function printBytes(size: number): string {
  return inLargestUnit(size, byteUnits, '')
}

/** Whichever is reached first. `Infinity`: not limited. */
export interface AmountBounds {
  readonly maxAgeMs: number
  readonly maxBytes: number
}

/** An age, a size, or both, in either order. */
export const bounds: Kind<AmountBounds> = {
  expected: 'an age of 1s to 3650d, a size of 64KiB to 100TiB, or both, such as 24h,1GiB',
  parse(text) {
    let [maxAgeMs, maxBytes] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
    for (const part of text.split(',').map((part) => part.trim())) {
      const isAge = durationUnits.some(([unit]) => new RegExp(`^[\\d.]+${unit}$`).test(part))
      if ((isAge ? maxAgeMs : maxBytes) !== Number.POSITIVE_INFINITY) throw new BadValue()
      if (isAge) maxAgeMs = within(parseDuration(part), parseDuration('1s'), parseDuration('3650d'))
      else maxBytes = within(parseBytes(part), parseBytes('64KiB'), parseBytes('100TiB'))
    }
    return { maxAgeMs, maxBytes }
  },
  print({ maxAgeMs, maxBytes }) {
    return [
      ...(Number.isFinite(maxAgeMs) ? [printDuration(maxAgeMs)] : []),
      ...(Number.isFinite(maxBytes) ? [printBytes(maxBytes)] : []),
    ].join(',')
  },
}

type Units = readonly (readonly [unit: string, factor: number])[]

function factorOf(units: Units, unit: string | undefined): number {
  const factor = units.find(([name]) => name === unit)?.[1]
  if (factor === undefined) throw new BadValue()
  return factor
}

function inLargestUnit(value: number, units: Units, smallest: string): string {
  const [unit, factor] = units.find(([, factor]) => value > 0 && value % factor === 0) ?? [smallest, 1]
  return `${value / factor}${unit}`
}

function within(value: number, min: number, max: number): number {
  if (!(value >= min && value <= max)) throw new BadValue()
  return value
}
