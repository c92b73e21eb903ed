import { isNonNullType } from 'graphql'
import { traceparentName } from '../../core/accounting/trace-context.ts'
import { latin1Of } from '../../core/body/latin1.ts'
import type { ChannelEvent, GapEvent, MessageEvent, StateMark } from '../../core/model/channel-event.ts'
import { printCursor } from '../../core/model/cursor.ts'
import type { EventField, EventSchema } from '../model/event-schema.ts'
import { type GapNotice, gapValue } from '../model/gap-notice.ts'
import type { TypedValue } from '../model/typed-value.ts'
import type { EventFields } from './event-fields.ts'

/** Prints the value of a field as it stands in a result. */
export interface ValuePrinter {
  /** The key of the root field in the result. */
  readonly responseKey: string
  /** Returns `{"data":{…}}` in the form of `latin1Of`. */
  print(value: TypedValue): string
}

/** `extensions.warren` of a result. */
export interface WarrenExtension {
  readonly cursor: string
  readonly gap?: { readonly reason: string; readonly oldest: string | null }
  readonly checkpoint?: true
  /** The phase of keyed state that the event is from: see docs/guides/state.md. */
  readonly state?: StateMark['phase'] | undefined
  /** The state begins here: what the client knows of it is outdated. */
  readonly reset?: true | undefined
  /** The key that the message removed from keyed state. */
  readonly removed?: string | undefined
  /** Pointers of what became null, because it did not fit (`invalid: NULL`). */
  readonly invalid?: readonly string[]
}

/** A result in parts, for transports and for graphql-js. */
export type TypedResult =
  | { readonly kind: 'value'; readonly value: TypedValue; readonly warren: WarrenExtension }
  | { readonly kind: 'error'; readonly error: EventError; readonly warren: WarrenExtension }

export interface EventError {
  readonly message: string
  readonly extensions: Readonly<Record<string, unknown>> & { readonly code: 'GAP' | 'INVALID_EVENT' }
}

/**
 * What an event is for a field. Undefined: nothing is sent; the field marks the next event in place
 * of a gap (`GapForm`). `gap`: the gap that this event has to be marked with.
 */
export function resultOf(
  fields: EventFields,
  field: EventField,
  event: ChannelEvent,
  gap?: GapEvent,
): TypedResult | undefined {
  const cursor = printCursor(event.cursor)
  switch (event.kind) {
    case 'MESSAGE':
      return messageResult(fields, field, event, {
        cursor,
        ...stateExtension(event.state),
        ...(gap ? { gap: gapExtension(gap) } : {}),
      })
    case 'CHECKPOINT':
      // An empty state has no value, and a field that cannot be null has no form for it.
      if (event.state && !isNullable(fields.schema, field)) return undefined
      return { kind: 'value', value: null, warren: { cursor, checkpoint: true, ...stateExtension(event.state) } }
    case 'GAP': {
      const extension = gapExtension(event)
      const reset = field.state && beginsAgain.has(event.reason) ? ({ reset: true } as const) : {}
      const warren = { cursor, gap: extension, ...reset }
      if (field.gapForm.kind === 'next') return undefined
      const value = gapValue(fields.schema, field, { ...extension, cursor })
      if (value !== undefined) return { kind: 'value', value, warren }
      return { kind: 'error', error: gapError({ ...extension, cursor }), warren }
    }
  }
}

function messageResult(
  fields: EventFields,
  field: EventField,
  event: MessageEvent,
  warren: WarrenExtension,
): TypedResult | undefined {
  const verdict = fields.verdictOf(event, field)
  switch (verdict.kind) {
    case 'valid': {
      const { value, invalid, removed } = verdict
      return {
        kind: 'value',
        value,
        warren: {
          ...warren,
          ...(removed === undefined ? {} : { removed }),
          ...(invalid.length > 0 ? { invalid } : {}),
        },
      }
    }
    case 'invalid': {
      const { pointer, expected } = verdict
      const message = `this event does not fit the schema at "${pointer}": expected ${expected}`
      return { kind: 'error', error: { message, extensions: { code: 'INVALID_EVENT', pointer } }, warren }
    }
    case 'filtered':
      // The schema changed between the match and this call.
      return undefined
  }
}

/** After these gaps the keyed state of a field begins again. */
const beginsAgain: ReadonlySet<string> = new Set(['JOURNAL_REPLACED', 'INVALID_CURSOR'] satisfies GapEvent['reason'][])

/** The text of a result, in the form of `latin1Of`: `{"data":…,"extensions":…}`. */
function printResult(result: TypedResult, printer: ValuePrinter, event: ChannelEvent): string {
  const extensions = printExtensions(result.warren, event.kind === 'MESSAGE' ? event.traceparent : undefined)
  if (result.kind === 'value') return withExtensions(printer.print(result.value), latin1Of(extensions))
  const errors = JSON.stringify([{ ...result.error, path: [printer.responseKey] }])
  return latin1Of(`{"data":null,"errors":${errors},"extensions":${extensions}}`)
}

/**
 * The text of an event in a result, in the form of `latin1Of`; undefined if nothing is sent. The
 * same as `printResult` of `resultOf`, without the objects between them for the usual message.
 */
export function printEvent(
  fields: EventFields,
  field: EventField,
  event: ChannelEvent,
  printer: ValuePrinter,
  gap?: GapEvent,
): string | undefined {
  if (event.kind === 'MESSAGE' && event.traceparent === undefined && !gap && !event.state) {
    const verdict = fields.verdictOf(event, field)
    if (verdict.kind === 'valid' && verdict.invalid.length === 0 && verdict.removed === undefined)
      // A cursor is base64url.
      return withExtensions(printer.print(verdict.value), `{"warren":{"cursor":"${printCursor(event.cursor)}"}}`)
  }
  const result = resultOf(fields, field, event, gap)
  return result && printResult(result, printer, event)
}

function withExtensions(data: string, extensions: string): string {
  return `${data.slice(0, -1)},"extensions":${extensions}}`
}

function printExtensions(warren: WarrenExtension, traceparent: string | undefined): string {
  return JSON.stringify({ warren, ...(traceparent === undefined ? {} : { [traceparentName]: traceparent }) })
}

function stateExtension(mark: StateMark | undefined): Pick<WarrenExtension, 'state' | 'reset'> {
  if (!mark) return {}
  return mark.reset ? { state: mark.phase, reset: true } : { state: mark.phase }
}

function isNullable({ schema }: EventSchema, { name }: EventField): boolean {
  const type = schema.getSubscriptionType()?.getFields()[name]?.type
  return type !== undefined && !isNonNullType(type)
}

function gapExtension({ reason, oldest }: GapEvent): { readonly reason: string; readonly oldest: string | null } {
  return { reason, oldest: oldest && printCursor(oldest) }
}

function gapError({ reason, oldest, cursor }: GapNotice): EventError {
  return {
    message: `events are missing before this cursor (${reason}); read the state again`,
    extensions: { code: 'GAP', reason, oldest, cursor },
  }
}
