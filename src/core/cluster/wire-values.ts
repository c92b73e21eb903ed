/**
 * Readers of what other replicas send. They may run another version, so nothing is assumed of a
 * value: each reader returns its fallback for a value of another type.
 */

export type WireObject = Readonly<Record<string, unknown>>

const nothing: WireObject = {}

export function objectOf(value: unknown): WireObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as WireObject) : nothing
}

/** At most `max` items. */
export function listOf(value: unknown, max: number): readonly unknown[] {
  return Array.isArray(value) ? value.slice(0, max) : []
}

export function textOf(value: unknown, fallback = ''): string {
  return typeof value === 'string' ? value : fallback
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

export function numberOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

export function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

/** Keeps the texts of a list, at most `max`. */
export function textsOf(value: unknown, max: number): string[] {
  return listOf(value, max).filter((item) => typeof item === 'string')
}
