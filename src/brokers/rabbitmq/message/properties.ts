import type { Message, MessageProperties } from '../../../core/model/message.ts'
import type { AmqpMessage, Options } from '../connection/amqp.ts'
import type { Delivery } from './delivery-reader.ts'
import { asShortString } from './field-decoder.ts'
import { toAmqpTable } from './field-table.ts'

/** Converts properties for amqplib, which omits undefined ones on the wire. */
export function toAmqp({ timestamp, unixSeconds, headers, ...same }: MessageProperties): Options.Publish {
  const seconds = unixSeconds === undefined ? wholeSeconds(timestamp) : secondsAsNumber(unixSeconds)
  return {
    ...same,
    ...(seconds === undefined ? {} : { timestamp: seconds }),
    ...(headers === undefined ? {} : { headers: toAmqpTable(headers) }),
  }
}

function wholeSeconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : Math.floor(milliseconds / 1000)
}

/** amqplib accepts only a number, so a value that would be rounded is omitted. */
function secondsAsNumber(seconds: bigint): number | undefined {
  return BigInt(Number(seconds)) === seconds ? Number(seconds) : undefined
}

/** Converts a delivery that Warren has decoded to the gateway's message. */
export function messageOf({ exchange, routingKey, body, properties, redelivered }: Delivery): Message {
  return {
    exchange,
    routingKey,
    body,
    properties: propertiesOf(properties),
    redelivered,
    receivedAt: Date.now(),
  }
}

/**
 * Converts a delivery that amqplib has decoded to the gateway's message. `exact` replaces its
 * properties if they were decoded separately, because amqplib rounds integers.
 */
export function fromAmqp({ content, fields, properties }: AmqpMessage, exact?: MessageProperties): Message {
  const timestamp = typeof properties.timestamp === 'number' ? properties.timestamp * 1000 : undefined
  return {
    exchange: fields.exchange,
    routingKey: asShortString(fields.routingKey),
    body: content,
    properties: propertiesOf(exact ?? { ...properties, timestamp }),
    redelivered: fields.redelivered,
    receivedAt: Date.now(),
  }
}

type Writable = { -readonly [Name in keyof MessageProperties]: MessageProperties[Name] }

type Kept = Pick<MessageProperties, 'timestamp' | 'unixSeconds' | 'headers'>

/** The properties that are present. */
function propertiesOf(
  given: { readonly [Name in (typeof textProperties)[number] | 'priority']?: unknown } & Kept,
): MessageProperties {
  const properties: Writable = {}
  for (const name of textProperties) {
    const value: unknown = given[name]
    if (typeof value === 'string') properties[name] = asShortString(value)
  }
  if (typeof given.priority === 'number') properties.priority = given.priority
  if (given.timestamp !== undefined) properties.timestamp = given.timestamp
  if (given.unixSeconds !== undefined) properties.unixSeconds = given.unixSeconds
  for (const _ in given.headers) {
    properties.headers = given.headers
    break
  }
  return properties
}

/** The properties that are short strings on the wire. */
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
