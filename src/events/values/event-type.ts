import { integerDigits } from '../matching/equality.ts'
import type { EventSchema, KeyPattern } from '../model/event-schema.ts'
import type { Place } from '../model/place.ts'
import type { EventInput } from '../model/typed-value.ts'
import { fromEnvelope, placeReader } from './place-reader.ts'

/** Matches every event type that no other member names. */
const otherTypes = '*'

const typePlaces: readonly Place[] = [
  { kind: 'property', property: 'TYPE' },
  { kind: 'header', name: '__TypeId__' },
  { kind: 'body', pointer: ['__typename'] },
]

/**
 * Returns the event types of a message, several if they are an array, none if it has no type. The
 * body is parsed only if no earlier place has a type.
 */
export type ReadEventTypes = (input: EventInput) => readonly string[]

/** `typeFrom` is the place that the author named; the default places follow it. */
export function eventTypeReader({ typeFrom, body, pattern }: EventTypeSource): ReadEventTypes {
  const places = [...(typeFrom ? [typeFrom] : []), ...typePlaces]
  const reads = places.map((place) => placeReader(fromEnvelope(place, body), pattern))
  return (input) => {
    for (const read of reads) {
      const types = typesIn(read(input, undefined))
      if (types.length > 0) return types
    }
    return []
  }
}

export interface EventTypeSource {
  readonly typeFrom: Place | undefined
  /** Where the payload is in the body. */
  readonly body: readonly string[]
  readonly pattern: KeyPattern | undefined
}

/** The event types that a value at a place names: a string, an integer, or those in an array. */
export function typesIn(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map(typeText).filter((type) => type !== '')
}

function typeText(value: unknown): string {
  return typeof value === 'string' ? value : (integerDigits(value) ?? '')
}

/** Finds what stands for an event type; undefined if nothing does. */
export type FindMember<Member> = (types: readonly string[]) => Member | undefined

/** `members` by the GraphQL type of each. A type without `@eventType` stands for its own name. */
export function memberFinder<Member>(schema: EventSchema, members: ReadonlyMap<string, Member>): FindMember<Member> {
  const byType = new Map<string, Member>()
  for (const [typeName, member] of members) {
    for (const type of schema.eventTypes.get(typeName) ?? [typeName]) {
      if (!byType.has(type)) byType.set(type, member)
    }
  }
  const other = byType.get(otherTypes)
  byType.delete(otherTypes)
  return (types) => {
    const named = types.find((type) => byType.has(type))
    if (named !== undefined) return byType.get(named)
    return types.length > 0 ? other : undefined
  }
}
