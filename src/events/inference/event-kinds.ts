import { printPointer, readPointer } from '../../core/json/json-pointer.ts'
import { directive, literal } from '../draft/sketch.ts'
import { type EventEnvelope, type EventTypePlace, textOf } from './envelope.ts'
import type { EventSample } from './event-sample.ts'

/** More kinds than this are no kinds: the place holds something else. */
export const maxKinds = 40

/** Samples of one event type. */
export interface EventKind {
  readonly eventType: string
  readonly samples: readonly EventSample[]
}

const propertyType: EventTypePlace = {
  typeFrom: undefined,
  from: '@from(property: TYPE)',
  read: ({ properties }) => textOf(properties.type),
  isCertain: true,
}

/** Members of payloads that hold event types, the first ones nothing else. */
const certainMembers = [
  '__typename',
  'eventType',
  'event_type',
  'messageType',
  'message_type',
  'eventName',
  'event_name',
]
const likelyMembers = ['@type', '$type', 'type', 'event', 'kind', 'action', 'name']

/**
 * The places that may hold the event type, the most certain first. A place counts only if each
 * sample has a text there, because a message without event type would be invalid.
 */
export function eventTypePlaces(
  samples: readonly EventSample[],
  envelope: EventEnvelope | undefined,
): readonly EventTypePlace[] {
  const places = [
    ...(envelope?.eventType ? [envelope.eventType] : []),
    propertyType,
    ...certainMembers.map((member) => memberPlace(member, envelope, true)),
    ...likelyMembers.map((member) => memberPlace(member, envelope, false)),
    ...keyWordPlaces(samples),
  ]
  return places.filter(({ read }) => samples.every((sample) => read(sample) !== undefined))
}

/** The samples by event type; undefined if there are too many types. */
export function kindsAt(samples: readonly EventSample[], place: EventTypePlace): readonly EventKind[] | undefined {
  const byType = new Map<string, EventSample[]>()
  for (const sample of samples) {
    const eventType = place.read(sample) ?? ''
    const same = byType.get(eventType)
    if (same) same.push(sample)
    else if (byType.size === maxKinds) return undefined
    else byType.set(eventType, [sample])
  }
  return [...byType].map(([eventType, same]) => ({ eventType, samples: same }))
}

function memberPlace(member: string, envelope: EventEnvelope | undefined, isCertain: boolean): EventTypePlace {
  const pointer = literal(printPointer([member]))
  return {
    typeFrom: `{ body: ${pointer} }`,
    from: directive('from', { body: pointer }),
    read: ({ body }) => textOf(readPointer(body, [...(envelope?.body ?? []), member])),
    isCertain,
    member,
  }
}

/** Words of the routing key, if all keys have as many. The last one is the most likely. */
function keyWordPlaces(samples: readonly EventSample[]): EventTypePlace[] {
  const keys = samples.map(({ routingKey }) => routingKey.split('.'))
  const length = keys[0]?.length ?? 0
  if (keys.some((words) => words.length !== length)) return []
  const positions = Array.from({ length }, (_, index) => length - 1 - index)
  return positions.map((position) => ({
    // The name of the capture is known when the routing key is inferred.
    typeFrom: undefined,
    from: '',
    read: ({ routingKey }) => typeWord(routingKey.split('.')[position]),
    isCertain: false,
    word: position,
  }))
}

function typeWord(word: string | undefined): string | undefined {
  return word !== undefined && /^[A-Za-z][A-Za-z_-]*$/.test(word) ? word : undefined
}
