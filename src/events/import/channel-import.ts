import { printPointer } from '../../core/json/json-pointer.ts'
import { exchangeTypes } from '../../core/model/source.ts'
import { nameOfKind } from '../draft/kind-names.ts'
import {
  camelCase,
  eventTypeName,
  fieldName,
  isFieldName,
  reservedArguments,
  singularWords,
  typeName,
  UniqueNames,
  wordsOf,
  wordsOfSchema,
} from '../draft/names.ts'
import {
  directive,
  type FieldSketch,
  gapDescription,
  inComment,
  isWritable,
  literal,
  type ObjectSketch,
  type SubscriptionSketch,
  unionOf,
} from '../draft/sketch.ts'
import { maxOptionalConditions } from '../model/event-schema.ts'
import type { ApiChannel, ApiMessage } from './async-api.ts'
import { commonTypePlace, type MessageSchema } from './event-type-place.ts'
import type { SchemaTypes } from './schema-types.ts'
import { isObject, kindsOf } from './schema-variants.ts'

const maxComment = 100

interface ImportedCapture {
  readonly name: string
  readonly parameter: string
}

/** Makes one channel an event field. */
export class ChannelImport {
  readonly problem: string | undefined
  readonly #channel: ApiChannel
  readonly #words: readonly string[]
  readonly #schemas: SchemaTypes
  readonly #names: UniqueNames
  readonly #captures: readonly ImportedCapture[]
  readonly #routingKey: string
  #typeFrom: string | undefined
  #body = ''

  constructor(channel: ApiChannel, schemas: SchemaTypes, names: UniqueNames) {
    this.#channel = channel
    this.#names = names
    // “user.{userId}.created” is named “userCreated”.
    const plain = wordsOf(channel.name.replace(/\{[^}]*\}/g, ' '))
    this.#words = plain.length > 0 ? plain : wordsOf(channel.exchange)
    this.#schemas = schemas
    const { captures, routingKey } = capturesOf(channel)
    this.#captures = captures
    this.#routingKey = routingKey
    this.problem = this.#problemOf()
  }

  subscription(fields: UniqueNames): SubscriptionSketch {
    const { exchange, exchangeType, description, parameters } = this.#channel
    const type = this.#rootType()
    const name = fieldName(camelCase(this.#words), 'events')
    return {
      name: fields.take(name, `${name}Events`),
      description: [...(description === undefined ? [] : [description.trim()]), gapDescription].join('\n'),
      arguments: this.#captures.map(({ name: capture, parameter }) => {
        const given = parameters.get(parameter)
        const values = this.#schemas.parts(given?.schema).values ?? []
        return {
          name: capture,
          type: this.#typeOfWord(parameter),
          directives: [],
          description: given?.description,
          comment: values.length === 0 ? undefined : inComment(firstCharacters(`one of ${values.join(', ')}`)),
        }
      }),
      type,
      directives: [
        directive('events', {
          exchange: literal(exchange),
          exchangeType: exchangeType === 'TOPIC' ? undefined : exchangeType,
          routingKey: this.#routingKey === '#' ? undefined : literal(this.#routingKey),
          body: this.#body === '' ? undefined : literal(this.#body),
          typeFrom: this.#typeFrom,
        }),
      ],
    }
  }

  /** A word is text, and any text is an ID. */
  #typeOfWord(parameter: string): string {
    const { types, format } = this.#schemas.parts(this.#channel.parameters.get(parameter)?.schema)
    if (format === 'uuid') return 'UUID'
    return types.join() === 'integer' ? 'BigInt' : 'ID'
  }

  #problemOf(): string | undefined {
    const { name, exchange, exchangeType } = this.#channel
    if (!exchangeTypes.some((type) => type === exchangeType))
      return `Channel "${name}" has an exchange of the unknown type "${exchangeType.toLowerCase()}".`
    if (!isWritable(exchange) || !isWritable(this.#routingKey)) return `Channel "${name}" has a name that is no text.`
    if (exchangeType === 'DIRECT' && /[{*#]/.test(this.#routingKey))
      return `Channel "${name}" has parameters, and its direct exchange compares whole routing keys: name each key.`
    return undefined
  }

  #rootType(): string {
    const { messages } = this.#channel
    const base = singularWords(this.#words)
    this.#schemas.base = base
    const schemas = messages.map(
      (message): MessageSchema => ({
        message,
        payload: this.#schemas.parts(message.payload),
        headers: this.#schemas.parts(message.headers),
      }),
    )
    const [only] = schemas
    if (schemas.length === 1 && only) {
      const known = this.#hasOwnFields(only) ? undefined : this.#schemas.nameOf(only.payload)
      if (known !== undefined) return known
      const { refName, title } = only.payload
      const words = wordsOfSchema(refName, title)
      const name = this.#names.take(typeName(words.length > 0 ? words : base), eventTypeName(base))
      const { type, isElement } = this.#write(name, only, undefined, true)
      return isElement ? `[${type.name}!]` : type.name
    }
    const place = commonTypePlace(schemas, (schema) => this.#schemas.parts(schema))
    this.#typeFrom = place?.typeFrom
    const unionName = this.#names.take(eventTypeName(base))
    const position = this.#schemas.types().length
    const eventTypes = new UniqueNames()
    const members = schemas.map((schema) => {
      const { name: messageName, eventType: named = messageName } = schema.message
      const eventType = eventTypes.take(place?.eventTypeOf(schema) ?? named, messageName)
      const name = this.#names.take(...nameOfKind([eventType], base))
      return this.#write(name, schema, eventType, false).type
    })
    this.#schemas.insert(position, unionOf(unionName, members))
    return unionName
  }

  /** Writes the type of one message, or of the elements of a message that is a list. */
  #write(
    name: string,
    { message, payload, headers }: MessageSchema,
    eventType: string | undefined,
    isOnly: boolean,
  ): { type: ObjectSketch; isElement: boolean } {
    const directives = eventType === undefined ? [] : [directive('eventType', { name: literal(eventType) })]
    const envelope = isOnly ? this.#cloudEventsData(message, payload) : undefined
    const content = envelope?.data ?? payload
    const element = isOnly ? this.#schemas.elementOf(content) : undefined
    const parts = element ?? content
    const hasFields = isObject(parts)
    const shown = hasFields ? parts : { ...parts, properties: new Map() }
    if (isOnly && hasFields && !element && !this.#hasOwnFields({ message, payload, headers }))
      this.#schemas.know(parts, name)
    const type = this.#schemas.write(name, shown, {
      description: message.description ?? content.description,
      directives,
      further: (taken) => {
        const fields = [
          ...(hasFields || message.payload === undefined ? [] : [this.#payloadField(taken, name, message)]),
          ...(envelope?.fields(taken) ?? []),
          ...this.#headerFields(taken, headers),
          ...this.#wordFields(taken, content.properties),
        ]
        const isEmpty = fields.length === 0 && shown.properties.size === 0
        return isEmpty ? [{ name: 'cursor', type: 'Cursor', directives: ['@from(property: CURSOR)'] }] : fields
      },
    })
    return { type, isElement: element !== undefined }
  }

  /** Whether the type has fields that its payload has not, so that no other channel can use it. */
  #hasOwnFields({ message, payload, headers }: MessageSchema): boolean {
    const names = new UniqueNames()
    return (
      this.#cloudEventsData(message, payload) !== undefined ||
      this.#headerFields(names, headers).length > 0 ||
      this.#wordFields(names, payload.properties).length > 0
    )
  }

  #payloadField(taken: UniqueNames, name: string, { payload }: ApiMessage): FieldSketch {
    const context = { owner: wordsOf(name), member: 'payload', depth: 0 }
    return this.#schemas.field(taken.take('payload'), payload, context, false, ['@from(body: "")'])
  }

  /** A payload that is a CloudEvent in structured mode: the data, and fields for the rest. */
  #cloudEventsData(message: ApiMessage, payload: MessageSchema['payload']) {
    const { properties } = payload
    const isStructured = message.contentType.startsWith('application/cloudevents+json') || properties.has('specversion')
    if (!isStructured || !properties.has('data') || !properties.has('type')) return undefined
    const data = this.#schemas.parts(properties.get('data'))
    if (data.properties.size === 0) return undefined
    this.#body = '/data'
    const fields = (taken: UniqueNames): FieldSketch[] =>
      ['id', 'source', 'subject', 'time', 'type']
        .filter((attribute) => properties.has(attribute))
        .map((attribute) =>
          this.#schemas.field(
            taken.take(camelCase(['event', attribute])),
            properties.get(attribute),
            { owner: [], member: attribute, depth: 0 },
            payload.required.has(attribute),
            [directive('from', { envelope: literal(printPointer([attribute])) })],
          ),
        )
    return { data, fields }
  }

  #headerFields(taken: UniqueNames, headers: MessageSchema['headers']): FieldSketch[] {
    return [...headers.properties].flatMap(([header, schema]) => {
      const kinds = kindsOf(this.#schemas.parts(schema))
      // A header is one text.
      const isScalar = !kinds.includes('object') && !kinds.includes('array')
      if (!isScalar || !isWritable(header) || /^(?:content[-_]?type|traceparent|tracestate|__.*__)$/i.test(header))
        return []
      const words = wordsOf(header.replace(/^x-/i, ''))
      const name = taken.take(fieldName(camelCase(words), 'header'), camelCase(['header', ...words]))
      const context = { owner: [], member: header, depth: 0 }
      return [
        this.#schemas.field(name, schema, context, headers.required.has(header), [
          directive('from', { header: literal(header) }),
        ]),
      ]
    })
  }

  #wordFields(taken: UniqueNames, properties: ReadonlyMap<string, unknown>): FieldSketch[] {
    return this.#captures
      .filter(({ parameter }) => {
        const isInPayload = this.#channel.parameters.get(parameter)?.isInPayload ?? false
        return !isInPayload && !properties.has(parameter)
      })
      .map(({ name, parameter }) => ({
        name: taken.take(name, `${name}Word`),
        type: `${this.#typeOfWord(parameter)}!`,
        directives: [directive('from', { word: literal(name) })],
      }))
  }
}

/** Not half of a character. */
function firstCharacters(text: string): string {
  return Array.from(text.slice(0, 2 * maxComment))
    .slice(0, maxComment)
    .join('')
}

/** Replaces parameters that are whole words with captures; others cannot be captured. */
function capturesOf({ routingKey, exchangeType }: ApiChannel): {
  captures: readonly ImportedCapture[]
  routingKey: string
} {
  if (exchangeType === 'FANOUT' || exchangeType === 'HEADERS') return { captures: [], routingKey: '#' }
  const names = new UniqueNames(reservedArguments)
  const captures: ImportedCapture[] = []
  const words = routingKey.split('.').map((word) => {
    if (!/[{}]/.test(word)) return word
    const parameter = /^\{([^{}]+)\}$/.exec(word)?.[1]
    if (parameter === undefined || captures.length === maxOptionalConditions) return '*'
    const plain = isFieldName(parameter) ? parameter : fieldName(parameter, 'word')
    const name = names.take(plain, `${plain}Word`)
    captures.push({ name, parameter })
    return `{${name}}`
  })
  return { captures, routingKey: words.join('.') }
}
