import { JsonNumber } from '../../core/json/json-number.ts'
import type { OnlyCondition } from '../model/event-schema.ts'
import { type PlaceReader, placeReaderOf } from './place-reader.ts'

/** `read` reads the place, and `holds` judges what it returned. */
export interface OnlyTest {
  readonly read: PlaceReader
  readonly holds: (value: unknown) => boolean
}

/**
 * Compiles one `@only`. The text of a number is its digits as sent, of a boolean its name. An array
 * matches if an element does.
 */
export function onlyTestOf({ place, in: texts }: OnlyCondition): OnlyTest {
  const allowed = new Set(texts)
  const holds = (value: unknown): boolean => {
    const text = textOf(value)
    return text !== undefined && allowed.has(text)
  }
  return {
    read: placeReaderOf(place),
    holds: (value) => (Array.isArray(value) ? value.some(holds) : holds(value)),
  }
}

function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
    case 'bigint':
    case 'boolean':
      return String(value)
    default:
      return value instanceof JsonNumber ? value.token : undefined
  }
}
