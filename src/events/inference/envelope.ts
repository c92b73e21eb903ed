import { JsonNumber } from '../../core/json/json-number.ts'
import { printPointer, readPointer } from '../../core/json/json-pointer.ts'
import { camelCase, wordsOf } from '../draft/names.ts'
import { directive, isWritable, literal } from '../draft/sketch.ts'
import type { EventSample } from './event-sample.ts'

/** How the samples carry payload and event type. */
export interface EventEnvelope {
  /** What it is called, for the comment at the top of the file. */
  readonly title: string
  /** Where the payload is in the body. */
  readonly body: readonly string[]
  readonly eventType: EventTypePlace | undefined
  /** What the envelope has besides the payload and is of use to clients. */
  readonly attributes: readonly Attribute[]
  /** Whether the header belongs to the envelope, so that it is no field of its own. */
  readonly ownsHeader: (name: string) => boolean
}

export interface EventTypePlace {
  /** For `@events(typeFrom:)`; undefined: where the gateway looks anyway. */
  readonly typeFrom: string | undefined
  /** For a field that holds it. */
  readonly from: string
  readonly read: (sample: EventSample) => string | undefined
  /** Whether the place is meant for event types, so that no more proof is needed. */
  readonly isCertain: boolean
  /** The member of the payload that is this place, if any. */
  readonly member?: string
  /** The word of the routing key that is this place, counted from 0, if any. */
  readonly word?: number
}

/** A value outside of the payload. */
export interface Attribute {
  /** What to call its field. */
  readonly name: string
  readonly directive: string
  readonly read: (sample: EventSample) => unknown
}

const maxAttributes = 20

/** The envelope that all samples have. Samples without JSON body have binary ones at most. */
export function envelopeOf(samples: readonly EventSample[]): EventEnvelope | undefined {
  return structuredCloudEvents(samples) ?? massTransit(samples) ?? binaryCloudEvents(samples) ?? spring(samples)
}

export function headerOf({ properties }: EventSample, name: string): unknown {
  const { headers } = properties
  return headers && Object.hasOwn(headers, name) ? headers[name] : undefined
}

/** Attributes of CloudEvents that are of use to no client. */
const technicalAttributes = new Set([
  'specversion',
  'type',
  'data',
  'data_base64',
  'datacontenttype',
  'dataschema',
  'traceparent',
  'tracestate',
])

function structuredCloudEvents(samples: readonly EventSample[]): EventEnvelope | undefined {
  if (!samples.every(({ body }) => hasTexts(body, ['specversion', 'type', 'source', 'id']))) return undefined
  const names = membersOf(samples.map(({ body }) => body)).filter((name) => !technicalAttributes.has(name))
  return {
    title: 'CloudEvents in structured mode',
    body: ['data'],
    eventType: {
      typeFrom: '{ envelope: "/type" }',
      from: '@from(envelope: "/type")',
      read: ({ body }) => textOf(readPointer(body, ['type'])),
      isCertain: true,
    },
    attributes: names.map((name) => ({
      name: cloudEventsFieldName(name),
      directive: directive('from', { envelope: literal(printPointer([name])) }),
      read: ({ body }) => readPointer(body, [name]),
    })),
    ownsHeader: (name) => technicalAttributes.has(name),
  }
}

/**
 * AMQP 1.0 has `cloudEvents:` and `cloudEvents_` before the name, HTTP and most libraries `ce-`,
 * Knative's RabbitMQ broker nothing.
 */
const cloudEventsPrefixes = ['ce-', 'ce_', 'cloudEvents:', 'cloudEvents_', '']

function binaryCloudEvents(samples: readonly EventSample[]): EventEnvelope | undefined {
  const prefix = cloudEventsPrefixes.find((before) =>
    samples.every((sample) =>
      ['specversion', 'type', 'source'].every((name) => typeof headerOf(sample, before + name) === 'string'),
    ),
  )
  if (prefix === undefined) return undefined
  const headers = membersOf(samples.map(({ properties }) => properties.headers))
  // Without prefix no header is certain to be an extension of the event.
  const names = headers
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((name) => !technicalAttributes.has(name))
    .filter((name) => prefix !== '' || ['id', 'source', 'subject', 'time'].includes(name))
  const header = literal(`${prefix}type`)
  return {
    title: `CloudEvents in binary mode (headers ${prefix === '' ? 'without prefix' : `"${prefix}…"`})`,
    body: [],
    eventType: {
      typeFrom: `{ header: ${header} }`,
      from: `@from(header: ${header})`,
      read: (sample) => textOf(headerOf(sample, `${prefix}type`)),
      isCertain: true,
    },
    attributes: names.map((name) => ({
      name: cloudEventsFieldName(name),
      directive: directive('from', { header: literal(prefix + name) }),
      read: (sample) => headerOf(sample, prefix + name),
    })),
    ownsHeader: (name) =>
      (prefix !== '' && name.startsWith(prefix)) || technicalAttributes.has(name) || names.includes(name),
  }
}

/** `id` is too often a member of the payload as well. */
function cloudEventsFieldName(attribute: string): string {
  return ['id', 'source', 'subject', 'time'].includes(attribute)
    ? camelCase(['event', attribute])
    : camelCase(wordsOf(attribute))
}

/** What MassTransit writes for itself only: addresses, the host, the versions of its libraries. */
const massTransitAttributes = ['messageId', 'conversationId', 'correlationId', 'initiatorId', 'sentTime']

function massTransit(samples: readonly EventSample[]): EventEnvelope | undefined {
  const isEnvelope = ({ body }: EventSample): boolean => {
    const types = readPointer(body, ['messageType'])
    return Array.isArray(types) && typeof types[0] === 'string' && types[0] !== '' && hasMember(body, 'message')
  }
  if (!samples.every(isEnvelope)) return undefined
  const present = membersOf(samples.map(({ body }) => body))
  return {
    title: 'MassTransit envelopes',
    body: ['message'],
    eventType: {
      typeFrom: '{ envelope: "/messageType" }',
      from: '@from(envelope: "/messageType/0")',
      read: ({ body }) => textOf(readPointer(body, ['messageType', '0'])),
      isCertain: true,
    },
    attributes: massTransitAttributes
      .filter((name) => present.includes(name))
      .map((name) => ({
        name,
        directive: directive('from', { envelope: literal(printPointer([name])) }),
        read: ({ body }) => readPointer(body, [name]),
      })),
    ownsHeader: (name) => /^MT-/i.test(name) || name === 'Content-Type' || name === 'publishId',
  }
}

function spring(samples: readonly EventSample[]): EventEnvelope | undefined {
  const read = (sample: EventSample) => textOf(headerOf(sample, '__TypeId__'))
  if (!samples.every((sample) => read(sample) !== undefined)) return undefined
  return {
    title: 'Spring AMQP (header "__TypeId__")',
    body: [],
    eventType: {
      typeFrom: '{ header: "__TypeId__" }',
      from: '@from(header: "__TypeId__")',
      read,
      isCertain: true,
    },
    attributes: [],
    ownsHeader: (name) => /^__.*__$/.test(name),
  }
}

/** Headers of brokers and libraries. */
const technicalHeader =
  /^(?:x-(?:death|first-death|last-death|stream|warren|delay|match|received|retry|opt|routing|original|exception)|traceparent$|tracestate$|baggage$|uber-trace-id$|b3$|x-b3-|content[-_]?type$|content[-_]?encoding$|__|ce[-_]|cc$|bcc$)/i

/** Headers that carry something about the event, such as a tenant. */
export function headerAttributes(samples: readonly EventSample[], envelope: EventEnvelope | undefined): Attribute[] {
  return membersOf(samples.map(({ properties }) => properties.headers))
    .filter((name) => !technicalHeader.test(name) && !envelope?.ownsHeader(name) && isHeaderName(name))
    .filter((name) => samples.every((sample) => isScalar(headerOf(sample, name))))
    .slice(0, maxAttributes)
    .map((name) => ({
      name: camelCase(wordsOf(name.replace(/^x-/i, ''))),
      directive: directive('from', { header: literal(name) }),
      read: (sample) => headerOf(sample, name),
    }))
}

/** A header's name is a short string (AMQP 0-9-1 §4.2.5.5). */
function isHeaderName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= 255 && isWritable(name)
}

/** Tables, arrays and binary values do not survive a stream. Absent is no contradiction. */
function isScalar(value: unknown): boolean {
  return value === undefined || ['string', 'number', 'boolean', 'bigint'].includes(typeof value)
}

function membersOf(values: readonly unknown[]): string[] {
  const names = new Set<string>()
  for (const value of values) {
    if (!isObject(value)) continue
    for (const name of Object.keys(value)) if (names.size < 1_000) names.add(name)
  }
  return [...names]
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber)
}

function hasMember(value: unknown, name: string): boolean {
  return isObject(value) && Object.hasOwn(value, name)
}

function hasTexts(value: unknown, names: readonly string[]): boolean {
  return names.every((name) => textOf(readPointer(value, [name])) !== undefined)
}

/** An event type: a text that is not empty and that GraphQL can hold. */
export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 255 && isWritable(value) ? value : undefined
}
