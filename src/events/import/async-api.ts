import { printPointer } from '../../core/json/json-pointer.ts'
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
const schemaFormat = /asyncapi|schema\+(?:json|yaml)|openapi/i

/** `exchange`: for channels that name none. */
export function channelsOf(
  document: DocumentObject,
  references: References,
  exchange: string | undefined,
): ApiChannels {
  const isThird = !String(document['asyncapi']).startsWith('2')
  const channels: ApiChannel[] = []
  const leftOut: string[] = []
  for (const [name, given] of Object.entries(objectAt(document, 'channels')).slice(0, maxChannels)) {
    const channel = references.resolve(given)?.value
    if (!isDocumentObject(channel)) continue
    const operations = isThird ? operationsOn(document, name, channel, references) : ownOperations(channel, references)
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
  return { channels, leftOut }
}

function bindingOf(value: unknown, references: References): unknown {
  const bindings = references.resolve(objectAt(value, 'bindings'))?.value
  return references.resolve(objectAt(bindings, 'amqp'))?.value
}

/** AsyncAPI 2: the operations of a channel are its members. */
function ownOperations(channel: DocumentObject, references: References): DocumentObject[] {
  return ['publish', 'subscribe'].flatMap((name) => {
    const operation = references.resolve(channel[name])?.value
    return isDocumentObject(operation) ? [operation] : []
  })
}

/** AsyncAPI 3: operations refer to their channel. */
function operationsOn(
  document: DocumentObject,
  name: string,
  channel: DocumentObject,
  references: References,
): DocumentObject[] {
  return Object.values(objectAt(document, 'operations')).flatMap((given) => {
    const operation = references.resolve(given)?.value
    if (!isDocumentObject(operation)) return []
    const target = operation['channel']
    const pointer = `#${printPointer(['channels', name])}`
    const isOn = textAt(target, '$ref') === pointer || references.resolve(target)?.value === channel
    return isOn ? [operation] : []
  })
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
  return address.includes('.') ? address : address.replaceAll('/', '.')
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
        schema: schema ?? (values.length > 0 ? { type: 'string', enum: values } : { type: 'string' }),
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
  const resolved = references.resolve(operation['message'])
  const variants = listAt(resolved?.value, 'oneOf')
  const given = variants.length > 0 ? variants : resolved?.value === undefined ? [] : [operation['message']]
  return given.map((message) => messageOf(undefined, message, document, references))
}

function messageOf(
  key: string | undefined,
  given: unknown,
  document: DocumentObject,
  references: References,
): ApiMessage {
  const resolved = references.resolve(given)
  const own = isDocumentObject(resolved?.value) ? resolved.value : {}
  const traits = listAt(own, 'traits').map((trait) => references.resolve(trait)?.value)
  const message: DocumentObject = Object.assign({}, ...traits.filter(isDocumentObject), own)
  const wrapped = references.resolve(message['payload'])?.value
  const isMultiFormat = isDocumentObject(wrapped) && 'schemaFormat' in wrapped && 'schema' in wrapped
  const format = textAt(isMultiFormat ? wrapped : message, 'schemaFormat')
  const payload = isMultiFormat ? wrapped['schema'] : message['payload']
  const headers = references.resolve(message['headers'])?.value
  const name = textAt(message, 'name') ?? key ?? resolved?.name ?? textAt(message, 'title') ?? 'event'
  return {
    name,
    eventType:
      textAt(message, 'x-event-type') ??
      textAt(message, 'x-eventType') ??
      textAt(message, 'x-type') ??
      textAt(bindingOf(message, references), 'messageType'),
    payload: format === undefined || schemaFormat.test(format) ? payload : undefined,
    headers:
      isDocumentObject(headers) && 'schema' in headers && 'schemaFormat' in headers ? headers['schema'] : headers,
    contentType: textAt(message, 'contentType') ?? textAt(document, 'defaultContentType') ?? '',
    description: textAt(message, 'description') ?? textAt(message, 'summary'),
  }
}

/** An operation to send and one to receive name the same message. */
function distinctMessages(messages: readonly ApiMessage[]): ApiMessage[] {
  const byName = new Map<string, ApiMessage>()
  for (const message of messages) if (!byName.has(message.name)) byName.set(message.name, message)
  return [...byName.values()]
}
