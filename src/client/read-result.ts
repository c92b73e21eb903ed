import type { Result } from './subscription-client.ts'

/** The events between two cursors are lost. */
export interface ReadGap {
  readonly reason: string
  /** The oldest available cursor. */
  readonly oldest?: string | null
}

/** The position of its subscription. */
export interface ReadResult {
  /** The first root field of the result, for consumers of events. */
  readonly value: unknown
  readonly cursor: string
  /** Events are missing before this one. */
  readonly gap: ReadGap | undefined
  /** The position moved without an event. */
  readonly isCheckpoint: boolean
  /**
   * Whether there is a value to pass on: not for a checkpoint, nor for a gap that is all there is.
   */
  readonly hasValue: boolean
}

/**
 * Reads a result of `channel`, which selects `cursor`, or of a typed field. Typed fields have their
 * cursor in `extensions.warren`. Routers drop response extensions; then a gap is an error with the
 * code `GAP`, or a member `EventGap`, and the cursor is a field that the query selects. Undefined:
 * the result has no cursor.
 */
export function readResult(result: Result, cursorOf?: (event: unknown) => string | undefined): ReadResult | undefined {
  const warren = recordIn(result.extensions?.['warren'])
  const value = firstField(result.data)
  const cursor = textIn(warren?.['cursor'])
  if (cursor !== undefined) {
    const gap = gapIn(warren?.['gap'])
    const isEmpty = warren?.['checkpoint'] === true
    // The end of a state without keys has the form of a checkpoint, and is passed on.
    const isCheckpoint = isEmpty && warren?.['state'] === undefined
    const hasValue = !isEmpty && (value !== null || (gap === undefined && !result.errors)) && value !== undefined
    return { value, cursor, gap, isCheckpoint, hasValue }
  }
  return gapError(result) ?? selected(value, cursorOf)
}

/**
 * The event of `channel` with its cursor, whatever its name in the query; the value of a typed
 * field as it is.
 */
export function eventOf({ extensions }: Result, { value, cursor }: ReadResult): unknown {
  const isTyped = extensions?.['warren'] !== undefined || typeof value !== 'object'
  return isTyped ? value : { ...value, cursor }
}

/** The form of a gap for non-null fields. */
function gapError({ errors }: Result): ReadResult | undefined {
  const extensions = errors?.find((error) => error.extensions?.['code'] === 'GAP')?.extensions
  const cursor = textIn(extensions?.['cursor'])
  if (cursor === undefined) return undefined
  return { value: null, cursor, gap: gapIn(extensions), isCheckpoint: false, hasValue: false }
}

/** The fields that the query selects. */
function selected(value: unknown, cursorOf?: (event: unknown) => string | undefined): ReadResult | undefined {
  const event = recordIn(value)
  const cursor = cursorOf ? cursorOf(value) : textIn(event?.['cursor'])
  if (!event || cursor === undefined) return undefined
  const { kind, __typename: typeName } = event
  const isGap = kind === 'GAP' || typeName === 'EventGap'
  const gap = gapIn(event['gap']) ?? (isGap ? (gapIn(event) ?? { reason: 'UNKNOWN' }) : undefined)
  return { value, cursor, gap, isCheckpoint: kind === 'CHECKPOINT', hasValue: kind !== 'CHECKPOINT' }
}

function firstField(data: unknown): unknown {
  const fields = Object.values(recordIn(data) ?? {})
  return fields.find((field) => typeof field === 'object' && field !== null) ?? fields[0]
}

function gapIn(value: unknown): ReadGap | undefined {
  const gap = recordIn(value)
  const reason = textIn(gap?.['reason'])
  if (reason === undefined) return undefined
  return { reason, oldest: textIn(gap?.['oldest']) ?? null }
}

function recordIn(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function textIn(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
