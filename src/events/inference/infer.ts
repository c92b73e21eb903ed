import { printPointer, readPointer } from '../../core/json/json-pointer.ts'
import { nameOfKind } from '../draft/kind-names.ts'
import {
  camelCase,
  eventTypeName,
  fieldName,
  reservedSubscriptions,
  reservedTypes,
  singularWords,
  typeName,
  UniqueNames,
  wordsOf,
} from '../draft/names.ts'
import {
  directive,
  example,
  type FieldSketch,
  gapDescription,
  inComment,
  literal,
  type ObjectSketch,
  printSketch,
  type TypeSketch,
  unionOf,
  withoutAccess,
} from '../draft/sketch.ts'
import { type EventEnvelope, type EventTypePlace, envelopeOf } from './envelope.ts'
import { eventTypePlaces, kindsAt } from './event-kinds.ts'
import type { EventSample, InferenceOptions } from './event-sample.ts'
import { type Capture, inferKeys } from './key-captures.ts'
import { isObjectType, type Root, registerRoot, rootType } from './root-type.ts'
import { newBudget, Shape } from './shape.ts'
import { TypePlan } from './type-plan.ts'

interface Subject {
  readonly samples: readonly EventSample[]
  readonly envelope: EventEnvelope | undefined
  readonly options: InferenceOptions
}

/** With more kinds than this, those with equal payloads share a type. */
const maxEqualKinds = 12
/** Fewer samples than this show too little of what may be absent. */
const fewSamples = 20
/**
 * Writes SDL for the messages of an exchange: a draft for people to review. Throws `RangeError`
 * without samples.
 */
export function infer(given: readonly EventSample[], options: InferenceOptions): string {
  if (given.length === 0) throw new RangeError('expected at least one message')
  const readable = given.filter(({ body }) => body !== undefined)
  const samples = readable.length > 0 ? readable : given
  const subject = { samples, envelope: envelopeOf(samples), options }
  const { place, roots } = chooseKinds(subject)
  return write(subject, place, roots, given.length - readable.length)
}

/** Finds the place of the event type, if there is one, and the samples that become one type. */
function chooseKinds(subject: Subject): { place: EventTypePlace | undefined; roots: readonly Root[] } {
  const { samples, envelope } = subject
  let single: { place: EventTypePlace; roots: readonly Root[] } | undefined
  for (const place of eventTypePlaces(samples, envelope)) {
    const kinds = kindsAt(samples, place)
    if (!kinds) continue
    const each = kinds.map(({ eventType, samples: own }) => rootOf(subject, [eventType], own))
    const roots = merged(each)
    if (place.isCertain && kinds.length === 1) single ??= { place, roots }
    else if (place.isCertain || (roots.length > 1 && areApart(roots))) {
      // A type of its own is clearer for clients, unless there would be many equal ones.
      return { place, roots: roots.length > 1 && kinds.length <= maxEqualKinds ? each : roots }
    }
  }
  return single ?? { place: undefined, roots: [rootOf(subject, [], samples)] }
}

function rootOf({ envelope }: Subject, eventTypes: readonly string[], samples: readonly EventSample[]): Root {
  const payload = new Shape()
  const budget = newBudget()
  for (const { body } of samples) payload.add(readPointer(body, envelope?.body ?? []) ?? null, budget)
  return { eventTypes, samples, payloads: [payload] }
}

/** Event types with payloads of the same type become one. */
function merged(roots: readonly Root[]): Root[] {
  const plan = new TypePlan([], new UniqueNames(), false)
  const byKey = new Map<string, Root>()
  for (const root of roots) {
    const [payload] = root.payloads
    const key = payload && isObjectType(root.payloads) ? plan.keyOfMembers(payload) : `other ${byKey.size}`
    const same = byKey.get(key)
    byKey.set(key, {
      eventTypes: [...(same?.eventTypes ?? []), ...root.eventTypes],
      samples: [...(same?.samples ?? []), ...root.samples],
      payloads: [...(same?.payloads ?? []), ...root.payloads],
    })
  }
  return [...byKey.values()]
}

/**
 * Whether each two have a member that the other never has. If only one of them has, its members are
 * optional ones of the same type.
 */
function areApart(roots: readonly Root[]): boolean {
  const always = ({ payloads }: Root): string[] =>
    [...(payloads[0]?.members ?? [])].flatMap(([name, { seen }]) => (seen === payloads[0]?.objects ? [name] : []))
  const hasOwn = (a: Root, b: Root) => always(a).some((name) => b.payloads.every(({ members }) => !members.has(name)))
  return roots.every((a, index) => roots.slice(index + 1).every((b) => hasOwn(a, b) && hasOwn(b, a)))
}

function write(
  subject: Subject,
  place: EventTypePlace | undefined,
  roots: readonly Root[],
  unreadable: number,
): string {
  const { samples, envelope, options } = subject
  const exchangeWords = wordsOfExchange(options.exchange)
  const base = singularWords(exchangeWords.length > 0 ? exchangeWords : ['event'])
  const names = new UniqueNames(reservedTypes)
  const isUnion = roots.length > 1
  const eventName = isPlural(exchangeWords) && !isUnion ? typeName(base) : eventTypeName(base)
  const unionName = isUnion ? names.take(eventName) : undefined
  const rootNames = roots.map(({ eventTypes }) => {
    const isKind = isUnion || eventTypes.length === 1
    return names.take(...(isKind ? nameOfKind(eventTypes, base) : one(eventName)))
  })
  const plan = new TypePlan(base, names, options.examples ?? true)
  const keys = inferKeys(samples, options, envelope, place)
  plan.shareEnums(roots.map(({ payloads }) => payloads))
  const forms = roots.map((root) => registerRoot(plan, root, isUnion))
  const types = roots.map((root, index) =>
    rootType(envelope, plan, root, forms[index] ?? 'value', {
      name: rootNames[index] ?? eventName,
      place,
      captures: keys.captures,
    }),
  )
  const payloadExists = roots.some(({ payloads }) => payloads.some(({ kinds }) => kinds.length > 0))
  const bodyPointer = payloadExists ? printPointer(envelope?.body ?? []) : ''
  const typeWord = keys.captures.find(({ word }) => word === place?.word)
  const typeFrom = typeWord ? `{ word: ${literal(typeWord.name)} }` : place?.typeFrom
  const events = keys.routingKeys.map((routingKey) =>
    directive('events', {
      exchange: literal(options.exchange),
      exchangeType: (options.exchangeType ?? 'TOPIC') === 'TOPIC' ? undefined : options.exchangeType,
      routingKey: routingKey === '#' ? undefined : literal(routingKey),
      body: bodyPointer === '' ? undefined : literal(bodyPointer),
      typeFrom: roots.some(({ eventTypes }) => eventTypes.length > 0) ? typeFrom : undefined,
    }),
  )
  const enums = new Set(plan.types().flatMap((type) => (type.kind === 'enum' ? [type.name] : [])))
  const rootName = unionName ?? rootNames[0] ?? eventName
  const union: TypeSketch[] = unionName ? [unionOf(unionName, types)] : []
  return printSketch({
    remarks: remarksOf(subject, unreadable, keys.remarks, place !== undefined),
    subscriptions: [
      {
        name: new UniqueNames(reservedSubscriptions).take(
          fieldName(options.field ?? camelCase(exchangeWords), 'events'),
          `${camelCase(base)}Events`,
        ),
        description: gapDescription,
        arguments: keys.captures.map((capture) => argumentOf(capture, types, enums, options)),
        type: forms[0] === 'list' ? `[${rootName}!]` : rootName,
        directives: events,
      },
    ],
    types: [...union, ...types, ...plan.types()],
  })
}

function one(name: string): [string] {
  return [name]
}

/** MassTransit names exchanges after classes, as `Shop.Contracts:OrderPaid`; the class counts. */
function wordsOfExchange(exchange: string): string[] {
  const last = wordsOf(exchange.split(':').at(-1) ?? '')
  return last.length > 0 ? last : wordsOf(exchange)
}

function isPlural(words: readonly string[]): boolean {
  return singularWords(words).join() !== words.join()
}

/** Text of a word, or the enum that the same value is in each type. */
function argumentOf(
  { name, type, distinct, member }: Capture,
  types: readonly ObjectSketch[],
  enums: ReadonlySet<string>,
  { examples = true }: InferenceOptions,
): FieldSketch {
  const [first = ''] = distinct
  const inTypes = types.map(({ fields }) => fields.find((field) => field.name === member)?.type.replace('!', '') ?? '')
  const [same = ''] = inTypes
  const isEnum = enums.has(same) && inTypes.every((other) => other === same)
  const shown = examples && !isEnum ? `, such as ${example(first)}` : ''
  return { name, type: isEnum ? same : type, directives: [], comment: `${distinct.size} different${shown}` }
}

function remarksOf(
  { samples, envelope, options }: Subject,
  unreadable: number,
  keys: readonly string[],
  hasEventTypes: boolean,
): string[] {
  // All of them: then `samples` are those messages.
  const areAll = samples.every(({ body }) => body === undefined)
  const count = `${samples.length} message${samples.length === 1 ? '' : 's'}`
  return [
    `A draft from ${count} of the exchange ${inComment(literal(options.exchange))}. Review it before you serve it:`,
    `- A field that was in every message is non-null; a message without it will be quarantined.`,
    `- ${withoutAccess}`,
    ...(hasEventTypes
      ? [`- A message of another event type is excluded: it is neither delivered nor quarantined.`]
      : []),
    ...keys,
    ...(envelope ? [`The messages are ${envelope.title}.`] : []),
    ...(samples.length < fewSamples ? [`So few messages show little of what may be absent: look at each "!".`] : []),
    ...(unreadable > 0 && !areAll
      ? [`${unreadable} more ${unreadable === 1 ? 'message is' : 'messages are'} not JSON and fit no type here.`]
      : []),
  ]
}
