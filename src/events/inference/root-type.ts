import { fieldName, pascalCase, UniqueNames, wordsOf } from '../draft/names.ts'
import { directive, type FieldSketch, literal, type ObjectSketch } from '../draft/sketch.ts'
import { type Attribute, type EventEnvelope, type EventTypePlace, headerAttributes } from './envelope.ts'
import type { EventSample } from './event-sample.ts'
import type { Capture } from './key-captures.ts'
import { leftOutRemark } from './member-words.ts'
import { isMap, newBudget, Shape } from './shape.ts'
import type { TypePlan } from './type-plan.ts'

/** Samples that become one type. */
export interface Root {
  /** Empty: the type has no event type. */
  readonly eventTypes: readonly string[]
  readonly samples: readonly EventSample[]
  readonly payloads: readonly Shape[]
}

/** Whether the payloads are objects with members that can be fields. */
export function isObjectType(payloads: readonly Shape[]): boolean {
  return payloads.every(
    (shape) => shape.kinds.length === 1 && shape.objects > 0 && shape.members.size > 0 && !isMap(shape),
  )
}

/** How the payload becomes the type: its members, those of its elements, or one field for all. */
export type RootForm = 'members' | 'list' | 'value' | 'nothing'

export function registerRoot(plan: TypePlan, { payloads }: Root, isUnion: boolean): RootForm {
  if (payloads.every(({ kinds }) => kinds.length === 0)) return 'nothing'
  if (isObjectType(payloads)) {
    for (const payload of payloads) plan.keyOfMembers(payload)
    return 'members'
  }
  const elements = elementsOf(payloads)
  const areLists = payloads.every(({ kinds }) => kinds.length === 1 && kinds[0] === 'array')
  if (
    areLists &&
    !isUnion &&
    elements.length > 0 &&
    isObjectType(elements) &&
    elements.every(({ nulls }) => nulls === 0)
  ) {
    for (const element of elements) plan.keyOfMembers(element)
    return 'list'
  }
  for (const payload of payloads) plan.register('payload', payload)
  return 'value'
}

function elementsOf(payloads: readonly Shape[]): Shape[] {
  return payloads.flatMap(({ elements }) => elements ?? [])
}

interface RootNaming {
  readonly name: string
  readonly place: EventTypePlace | undefined
  readonly captures: readonly Capture[]
}

export function rootType(
  envelope: EventEnvelope | undefined,
  plan: TypePlan,
  { eventTypes, samples, payloads }: Root,
  form: RootForm,
  { name, place, captures }: RootNaming,
): ObjectSketch {
  const names = new UniqueNames()
  const shapes = form === 'list' ? elementsOf(payloads) : payloads
  const skip = place?.member === '__typename' ? place.member : undefined
  const payload =
    form === 'members' || form === 'list'
      ? plan.fieldsOf(shapes, names, skip)
      : { fields: form === 'value' ? [payloadField(plan, names, payloads, samples.length)] : [], leftOut: 0 }
  const words = captures.filter(({ isInPayload, word }) => !isInPayload && word !== place?.word)
  const typeWord = captures.find(({ word }) => word === place?.word)
  const typePlace = typeWord ? directive('from', { word: literal(typeWord.name) }) : place?.from
  const needsType = eventTypes.length > 1 && typePlace !== undefined && place?.member === undefined
  const added = [
    ...(needsType ? [{ name: names.take('eventType', 'messageType'), type: 'String!', directives: [typePlace] }] : []),
    ...(envelope?.attributes ?? []).flatMap((attribute) => attributeField(plan, names, 'envelope', attribute, samples)),
    ...headerAttributes(samples, envelope).flatMap((attribute) =>
      attributeField(plan, names, 'header', attribute, samples),
    ),
    ...words.map(
      (capture): FieldSketch => ({
        name: names.take(capture.name, `${capture.name}Word`),
        type: `${capture.type}!`,
        directives: [directive('from', { word: literal(capture.name) })],
      }),
    ),
  ]
  const fields = [...payload.fields, ...added]
  const cursor: FieldSketch = { name: 'cursor', type: 'Cursor', directives: ['@from(property: CURSOR)'] }
  return {
    kind: 'type',
    name,
    directives: eventTypes.map((eventType) => directive('eventType', { name: literal(eventType) })),
    remarks: leftOutRemark(payload.leftOut),
    fields: fields.length > 0 ? fields : [cursor],
  }
}

function payloadField(plan: TypePlan, names: UniqueNames, payloads: readonly Shape[], count: number): FieldSketch {
  return plan.fieldAt(names.take('payload'), { from: '@from(body: "")', member: 'payload' }, payloads, count)
}

function attributeField(
  plan: TypePlan,
  names: UniqueNames,
  kind: 'envelope' | 'header',
  { name, directive: from, read }: Attribute,
  samples: readonly EventSample[],
): FieldSketch[] {
  const shape = new Shape()
  const budget = newBudget()
  for (const sample of samples) {
    const value = read(sample)
    if (value !== undefined) shape.add(value, budget)
  }
  // Other kinds of messages have it.
  if (shape.kinds.length === 0) return []
  plan.register(name, shape)
  const own = fieldName(name)
  return [
    plan.fieldAt(
      names.take(own, `${kind}${pascalCase(wordsOf(name))}`),
      { from, member: name },
      [shape],
      samples.length,
    ),
  ]
}
