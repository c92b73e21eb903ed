import { setImmediate as nextTurn } from 'node:timers/promises'
import { mayBeCompressed } from '../../core/body/content-encoding.ts'
import { TimeSlice } from '../../core/delivery/time-slice.ts'
import type {
  DraftInput,
  DraftOutcome,
  DraftProblem,
  MadeDraft,
} from '../../core/inspection/definitions/schema-drafts.ts'
import { errorText } from '../../core/model/error-text.ts'
import type { WindowEntry } from '../../core/ports/hot-window.ts'
import { type EventSample, sampleOf } from '../inference/event-sample.ts'
import { infer } from '../inference/infer.ts'
import type { EventSchema } from '../model/event-schema.ts'
import type { SdlMistake } from '../model/place.ts'
import { JsonScalar, TypedObject, type TypedValue } from '../model/typed-value.ts'
import { type EventSchemaOptions, readEventSchema } from '../sdl/read-event-schema.ts'
import type { SdlFile } from '../sdl/source-files.ts'
import { EventFields } from '../serving/event-fields.ts'
import { binaryDecoders } from '../values/binary-decoders.ts'

/** What a compressed body may grow to here, in bytes; and all bodies together. */
const maxDecodedBytes = { one: 256 * 1024, all: 16 * 1024 * 1024 }
/** More problems help no reader. */
const maxProblems = 100
/** As the draft is called where problems name a file. */
const draftPath = 'draft.graphql'

export interface DraftContext {
  readonly options: EventSchemaOptions
  /** The team's files, beside which the draft would be served. */
  readonly team: readonly SdlFile[]
}

/**
 * Infers SDL from messages, or takes the SDL that is given, and tries it on the messages. Never
 * throws because of what is in messages or in the SDL.
 */
export async function tryDraft(input: DraftInput, { options, team }: DraftContext): Promise<MadeDraft> {
  const { entries, exchange, exchangeType, examples, field } = input
  const samples = samplesOf(entries)
  await nextTurn()
  const inferred = { exchange, exchangeType, examples, ...(field === undefined ? {} : { field }) }
  const sdl = input.sdl ?? infer(samples, inferred)
  await nextTurn()
  const draft = { path: draftPath, text: sdl }
  const together = readEventSchema([...team, draft], options)
  const problems = problemsOf('mistakes' in together ? together.mistakes : together.remarks)
  await nextTurn()
  // Without the team's files the draft may be valid: a field of theirs may have its name.
  const alone = readEventSchema([draft], options)
  if ('mistakes' in alone) return { sdl, problems, outcomes: [] }
  return { sdl, problems, outcomes: await outcomesOf(alone.schema, input) }
}

/** Messages that would need too much memory together are left out. */
function samplesOf(entries: readonly WindowEntry[]): EventSample[] {
  let left = maxDecodedBytes.all
  return entries.toReversed().flatMap((entry) => {
    left -= mayBeCompressed(entry.properties.contentEncoding) ? maxDecodedBytes.one : entry.body.length
    return left < 0 ? [] : [sampleOf(entry, maxDecodedBytes.one)]
  })
}

/** Mistakes of the draft, and errors of other files because of it. */
function problemsOf(mistakes: readonly SdlMistake[]): DraftProblem[] {
  return mistakes.slice(0, maxProblems).flatMap(({ location, message, severity }) => {
    const { file, line, column } = location
    if (file === draftPath) return [{ line, column, severity, message }]
    return severity === 'error' ? [{ line: 1, column: 1, severity, message: `${file}:${line}: ${message}` }] : []
  })
}

async function outcomesOf(schema: EventSchema, { entries, cursorOf }: DraftInput): Promise<DraftOutcome[]> {
  const parts = { decoders: binaryDecoders, maxDecodedBytes: maxDecodedBytes.one, count: () => undefined }
  const fields = new EventFields(schema, parts)
  const outcomes: DraftOutcome[] = []
  let slice = new TimeSlice()
  for (const entry of entries) {
    outcomes.push(...outcomesFor(fields, entry, () => cursorOf(entry)))
    if (!slice.isOver) continue
    await nextTurn()
    slice = new TimeSlice()
  }
  return outcomes
}

function outcomesFor(fields: EventFields, entry: WindowEntry, cursor: () => string): DraftOutcome[] {
  try {
    return fields.verdicts(entry, cursor).map(([field, verdict]): DraftOutcome => {
      if (verdict.kind === 'valid') return { entry, field, kind: 'fits', event: jsonOf(verdict.value) }
      if (verdict.kind === 'filtered') return { entry, field, kind: 'excluded' }
      return { entry, field, kind: 'mismatched', reason: `${verdict.pointer}: expected ${verdict.expected}` }
    })
  } catch (error) {
    const [field = ''] = fields.schema.events.keys()
    return [{ entry, field, kind: 'mismatched', reason: errorText(error) }]
  }
}

/** The event as a client gets it that selects every field. */
function jsonOf(value: TypedValue): unknown {
  if (value instanceof JsonScalar) return value.value
  if (value instanceof TypedObject)
    return Object.fromEntries(Object.entries(value.fields).map(([name, inner]) => [name, jsonOf(inner)]))
  return Array.isArray(value) ? value.map(jsonOf) : value
}
