import { UniqueNames } from '../draft/names.ts'
import { type DocumentObject, isDocumentObject, listAt, objectAt, type References, textAt } from './references.ts'

/** A message of a channel: version 2 and 3 of AsyncAPI alike. */
export interface ApiMessage {
  /** What the document calls it. */
  readonly name: string
  /** The event type, if the document names it as one. */
  readonly eventType: string | undefined
  readonly payload: unknown
  readonly headers: unknown
  readonly contentType: string
  readonly description: string | undefined
}

/** A channel that is an exchange with a routing key. */
export interface ApiChannel {
  readonly name: string
  readonly exchange: string
  readonly exchangeType: string
  /** As written, with `{parameter}`. */
  readonly routingKey: string
  readonly parameters: ReadonlyMap<string, ApiParameter>
  readonly messages: readonly ApiMessage[]
  readonly description: string | undefined
}

export interface ApiParameter {
  readonly description: string | undefined
  readonly schema: unknown
  /** The payload has the same value at a place that the document names. */
  readonly isInPayload: boolean
}

export interface ApiChannels {
  readonly channels: readonly ApiChannel[]
  /** Comment lines: which channels are left out, and why. */
  readonly leftOut: readonly string[]
}

const maxChannels = 200
/** Formats of payloads that are JSON Schema, or close to it. */
const jsonSchema = /asyncapi|schema\+(?:json|yaml)|openapi/i

/** For a message that nothing names. */
const unnamed = 'event'

/** `exchange`: for channels that name none. */
export function channelsOf(
  document: DocumentObject,
  references: References,
  exchange: string | undefined,
): ApiChannels {
  const isThird = !String(document['asyncapi']).startsWith('2')
  const channels: ApiChannel[] = []
  const leftOut: string[] = []
  const all = Object.entries(objectAt(document, 'channels'))
  for (const [name, given] of all.slice(0, maxChannels)) {
    const channel = references.resolve(given)?.value
    if (!isDocumentObject(channel)) {
      const reference = textAt(given, '$ref')
      const what = reference === undefined ? 'is no object' : `is "${reference}", which leads out of the document`
      leftOut.push(`Channel "${name}" ${what}.`)
      continue
    }
    const operations = isThird ? operationsOn(document, channel, references) : ownOperations(channel, references)
    const binding = bindingOf(channel, references)
    const exchangeOf = objectAt(binding, 'exchange')
    const exchangeName = textAt(exchangeOf, 'name') ?? exchange
    const exchangeType = (textAt(exchangeOf, 'type') ?? 'topic').toUpperCase()
    const address = isThird ? (channel['address'] === null ? '' : (textAt(channel, 'address') ?? name)) : name
    const messages = isThird
      ? Object.entries(objectAt(channel, 'messages')).map(([key, message]) =>
          messageOf(key, message, document, references),
        )
      : operations.flatMap((operation) => messagesOfOperation(operation, document, references))
    if (textAt(binding, 'is') === 'queue') leftOut.push(`Channel "${name}" is a queue; events are read from exchanges.`)
    else if (exchangeName === undefined || exchangeType === 'DEFAULT')
      leftOut.push(`Channel "${name}" names no exchange (bindings.amqp.exchange.name).`)
    else if (messages.length === 0) leftOut.push(`Channel "${name}" has no messages.`)
    else
      channels.push({
        name,
        exchange: exchangeName,
        exchangeType,
        // Since version 0.4.0 of the binding.
        routingKey: textAt(binding, 'name') ?? routingKeyOf(operations, address, exchangeName, references),
        parameters: parametersOf(channel, references),
        messages: distinctMessages(messages),
        description:
          textAt(channel, 'description') ?? operations.map((one) => textAt(one, 'description')).find(Boolean),
      })
  }
  if (all.length > maxChannels)
    leftOut.push(`The document has ${all.length} channels; those after the first ${maxChannels} are not read.`)
  return { channels, leftOut }
}

function bindingOf(value: unknown, references: References): unknown {
  const bindings = references.resolve(objectAt(value, 'bindings'))?.value
  return references.resolve(objectAt(bindings, 'amqp'))?.value
}

/** AsyncAPI 2: the operations of a channel are its members. */
function ownOperations(channel: DocumentObject, references: References): DocumentObject[] {
  return [channel['publish'], channel['subscribe']]
    .map((given) => references.resolve(given)?.value)
    .filter(isDocumentObject)
}

/** AsyncAPI 3: operations refer to their channel. */
function operationsOn(document: DocumentObject, channel: DocumentObject, references: References): DocumentObject[] {
  return Object.values(objectAt(document, 'operations'))
    .map((given) => references.resolve(given)?.value)
    .filter(isDocumentObject)
    .filter((operation) => references.resolve(operation['channel'])?.value === channel)
}

/**
 * The routing key is the address, unless the operation's binding names one. Generators write the
 * name of the exchange where the document has no key.
 */
function routingKeyOf(
  operations: readonly DocumentObject[],
  address: string,
  exchange: string,
  references: References,
): string {
  const keys = operations.flatMap((operation) => listAt(bindingOf(operation, references), 'cc'))
  const key = keys.find((one): one is string => typeof one === 'string' && one !== '')
  if (key !== undefined) return key
  if (address === '' || address === exchange) return '#'
  // So does Springwolf, with the key after it.
  if (address.startsWith(`${exchange}_`)) return address.slice(exchange.length + 1)
  // Documents for several brokers separate words with slashes, which no topic exchange does.
  return address.includes('.') ? address : address.replace(/^\//, '').replaceAll('/', '.')
}

function parametersOf(channel: DocumentObject, references: References): Map<string, ApiParameter> {
  const parameters = Object.entries(objectAt(channel, 'parameters')).map(([name, given]): [string, ApiParameter] => {
    const parameter = references.resolve(given)?.value
    const values = listAt(parameter, 'enum')
    const schema = isDocumentObject(parameter) ? parameter['schema'] : undefined
    return [
      name,
      {
        description: textAt(parameter, 'description'),
        schema: schema ?? { enum: values },
        isInPayload: textAt(parameter, 'location')?.startsWith('$message.payload') ?? false,
      },
    ]
  })
  return new Map(parameters)
}

function messagesOfOperation(
  operation: DocumentObject,
  document: DocumentObject,
  references: References,
): ApiMessage[] {
  const given = operation['message']
  const variants = listAt(references.resolve(given)?.value, 'oneOf')
  const messages = variants.length > 0 || given === undefined ? variants : [given]
  return messages.map((message) => messageOf(undefined, message, document, references))
}

function messageOf(
  key: string | undefined,
  given: unknown,
  document: DocumentObject,
  references: References,
): ApiMessage {
  const resolved = references.resolve(given)
  // So the type of the payload names the reference that leads nowhere.
  const own = isDocumentObject(resolved?.value) ? resolved.value : { payload: given }
  const traits = listAt(own, 'traits')
    .map((trait) => references.resolve(trait)?.value)
    .filter(isDocumentObject)
  const message: DocumentObject = Object.assign({}, ...traits, own)
  const { schema: payload, format } = schemaIn(message['payload'], references)
  const schemaFormat = format ?? textAt(message, 'schemaFormat')
  return {
    name:
      textAt(message, 'name') ??
      key ??
      resolved?.name ??
      textAt(message, 'messageId') ??
      textAt(message, 'title') ??
      references.resolve(payload)?.name ??
      textAt(payload, 'title') ??
      unnamed,
    eventType:
      textAt(message, 'x-event-type') ??
      textAt(message, 'x-eventType') ??
      textAt(message, 'x-type') ??
      textAt(bindingOf(message, references), 'messageType'),
    payload: schemaFormat === undefined || jsonSchema.test(schemaFormat) ? payload : undefined,
    headers: { allOf: [own, ...traits].map((one) => schemaIn(one['headers'], references).schema) },
    contentType: textAt(message, 'contentType') ?? textAt(document, 'defaultContentType') ?? '',
    description: textAt(message, 'description') ?? textAt(message, 'summary'),
  }
}

/** AsyncAPI 3 can wrap a schema with its format. */
function schemaIn(given: unknown, references: References): { schema: unknown; format: string | undefined } {
  const wrapped = references.resolve(given)?.value
  const isWrapped = isDocumentObject(wrapped) && 'schemaFormat' in wrapped && 'schema' in wrapped
  return isWrapped
    ? { schema: wrapped['schema'], format: textAt(wrapped, 'schemaFormat') }
    : { schema: given, format: undefined }
}

/** An operation to send and one to receive name one message. Those without a name can differ. */
function distinctMessages(messages: readonly ApiMessage[]): ApiMessage[] {
  const names = new UniqueNames()
  const distinct: ApiMessage[] = []
  for (const message of messages) {
    if (message.name === unnamed && distinct.every(({ payload }) => payload !== message.payload))
      distinct.push({ ...message, name: names.take(unnamed) })
    else if (!names.has(message.name)) distinct.push({ ...message, name: names.take(message.name) })
  }
  return distinct
}
