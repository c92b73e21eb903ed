import type { Message as AmqpMessage, Options } from 'amqplib'
import type { Message, MessageProperties } from '../../core/message.ts'

/** As amqplib takes them. What is undefined is left out on the wire. */
export function toAmqp(properties: MessageProperties): Options.Publish {
  const { timestamp, ...same } = properties
  return timestamp === undefined ? same : { ...same, timestamp: Math.floor(timestamp / 1000) }
}

/** A date in the far future is a timestamp in the wrong unit, and no date that JavaScript has (ECMA-262 §21.4.1.1). */
const latestDateMs = 8.64e15

/** A delivery or a return as the gateway's message. */
export function fromAmqp({ content, fields, properties }: AmqpMessage): Message {
  return {
    exchange: fields.exchange,
    routingKey: fields.routingKey,
    body: content,
    properties: propertiesOf(properties),
    redelivered: fields.redelivered,
    receivedAt: Date.now(),
  }
}

type Writable = { -readonly [Name in keyof MessageProperties]: MessageProperties[Name] }

function propertiesOf(given: AmqpMessage['properties']): MessageProperties {
  const properties: Writable = {}
  for (const name of textProperties) {
    const value: unknown = given[name]
    if (typeof value === 'string') properties[name] = value
  }
  if (typeof given.priority === 'number') properties.priority = given.priority
  const timestamp = typeof given.timestamp === 'number' ? given.timestamp * 1000 : Number.NaN
  if (timestamp <= latestDateMs) properties.timestamp = timestamp
  if (given.headers) properties.headers = given.headers
  return properties
}

/** Those that are short strings on the wire. */
export const textProperties = [
  'contentType',
  'contentEncoding',
  'messageId',
  'type',
  'correlationId',
  'replyTo',
  'expiration',
  'userId',
  'appId',
] as const
