import type { FieldCounts } from '../../accounting/counts.ts'
import { listOf, numberOf, numberOrNull, objectOf, textOf, textOrNull } from '../../cluster/wire-values.ts'
import type { SchemaVersion } from './field-definition.ts'

/** How many fields one report names. */
const maxFields = 1_000
const maxMessageLength = 4_000

/** What a replica serves of the typed fields. Sent between replicas, so it is plain JSON. */
export interface SchemaReport {
  /** Null without `WARREN_SCHEMA`. */
  readonly version: SchemaVersion | null
  readonly fields: readonly (readonly [name: string, field: FieldReport])[]
}

/** Counters of a typed field since the start of the replica, and how fast they grow. */
export interface FieldReport extends FieldCounts {
  readonly subscriptions: number
  /** Null: there are no two samples yet. */
  readonly matchedPerSecond: number | null
  readonly deliveredPerSecond: number | null
}

/** Cuts the message, which may name hundreds of mistakes. */
export function boundedFailure({ at, message }: { at: number; message: string }): SchemaVersion['failure'] {
  return { at, message: message.slice(0, maxMessageLength) }
}

/** Reads a report from another replica. Returns undefined if its form is wrong. */
export function readSchemaReport(value: unknown): SchemaReport | undefined {
  const { version, fields } = objectOf(value)
  if (!Array.isArray(fields)) return undefined
  return {
    version: versionOf(version),
    fields: listOf(fields, maxFields).flatMap((pair) => {
      const [name, found] = listOf(pair, 2)
      return typeof name === 'string' ? [[name, fieldOf(found)] as const] : []
    }),
  }
}

function versionOf(value: unknown): SchemaVersion | null {
  const { hash, since, failure } = objectOf(value)
  if (typeof hash !== 'string') return null
  const { at, message } = objectOf(failure)
  const text = textOrNull(message)
  return {
    hash,
    since: numberOf(since),
    failure: text === null ? null : boundedFailure({ at: numberOf(at), message: textOf(text) }),
  }
}

function fieldOf(value: unknown): FieldReport {
  const field = objectOf(value)
  return {
    subscriptions: numberOf(field['subscriptions']),
    matched: numberOf(field['matched']),
    delivered: numberOf(field['delivered']),
    filtered: numberOf(field['filtered']),
    invalid: numberOf(field['invalid']),
    matchedPerSecond: numberOrNull(field['matchedPerSecond']),
    deliveredPerSecond: numberOrNull(field['deliveredPerSecond']),
  }
}
