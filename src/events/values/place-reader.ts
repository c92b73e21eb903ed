import { printPointer, readPointer } from '../../core/json/json-pointer.ts'
import { headerText, propertyText } from '../matching/place-reader.ts'
import type { KeyPattern } from '../model/event-schema.ts'
import type { Place } from '../model/place.ts'
import type { EventInput } from '../model/typed-value.ts'
import { captureReader } from './captures.ts'

/**
 * Reads one place of a message. Returns a JSON value of `parseJson` for places in the body, text
 * for all others, and undefined if nothing is there. Throws `UndecodableBody` if it needs a body
 * that cannot be decoded.
 */
export type ReadPlace = (input: EventInput, valueAtHand: unknown) => unknown

/** Compiles the reader of a place. Without `pattern` no word is captured, as in a reply. */
export function placeReader(place: Place, pattern: KeyPattern | undefined): ReadPlace {
  switch (place.kind) {
    case 'body': {
      const { pointer } = place
      if (pointer.length === 0) return (_input, valueAtHand) => valueAtHand
      return (_input, valueAtHand) => readPointer(valueAtHand, pointer)
    }
    case 'envelope': {
      const { pointer } = place
      return (input) => readPointer(input.body(), pointer)
    }
    case 'header': {
      const { name } = place
      return ({ properties: { headers } }) => headerText(headers, name)
    }
    case 'word': {
      if (!pattern) return () => undefined
      const read = captureReader(pattern, place.name)
      return ({ routingKey }) => read(routingKey)
    }
    case 'property':
      return (input) => propertyText(input, place.property)
  }
}

/** The same place for readers that have no payload at hand. `body`: where the payload is. */
export function fromEnvelope(place: Place, body: readonly string[]): Place {
  return place.kind === 'body' ? { kind: 'envelope', pointer: [...body, ...place.pointer] } : place
}

/**
 * A place as errors and quarantine copies name it: a JSON pointer in the body, or `header:<name>`.
 */
export function placeText(place: Place): string {
  switch (place.kind) {
    case 'body':
    case 'envelope':
      return printPointer(place.pointer)
    case 'property':
      return `property:${place.property}`
    default:
      return `${place.kind}:${place.name}`
  }
}
