import { GatewayError } from '../../../errors.ts'
import { otherExchangeType, reservedExchange, unsuitableExchangeType } from '../../refusals.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { onChannel } from './with-channel.ts'

export type AmqpExchangeType = 'direct' | 'fanout' | 'topic' | 'headers'
const ownTypes: readonly AmqpExchangeType[] = ['direct', 'fanout', 'topic', 'headers']

/** Uses a passive declare, which needs no permission and changes nothing. */
export async function exchangeExists(connection: ChannelModel, exchange: string): Promise<boolean> {
  try {
    await onChannel(connection, (channel) => channel.checkExchange(exchange))
    return true
  } catch (error) {
    if (repliedWith(error, replyCodes.notFound)) return false
    throw error
  }
}

/**
 * Declares a missing exchange. Rejects with `SOURCE_CONFLICT` if the user lacks the permission or
 * the name is reserved.
 */
export async function declareExchange(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
  durable = true,
): Promise<void> {
  if (exchange.startsWith('amq.')) throw reservedExchange(exchange)
  try {
    await onChannel(connection, (channel) => channel.assertExchange(exchange, type, { durable }))
  } catch (error) {
    if (!repliedWith(error, replyCodes.accessRefused)) throw error
    throw new GatewayError(
      'SOURCE_CONFLICT',
      `exchange "${exchange}" does not exist, and Warren's RabbitMQ user lacks the permission to declare it: grant configure on it, or declare it yourself`,
      { cause: error },
    )
  }
}

/**
 * Delays each message and then routes it by the rules of another type:
 * https://github.com/rabbitmq/rabbitmq-delayed-message-exchange
 */
const delayedType = 'x-delayed-message'

/**
 * Checks that an existing exchange routes by the rules of `type`, and accepts any other arguments.
 * RabbitMQ reports the type of an exchange only when it refuses a declare of another type. Resolves
 * with the exchange's alternate exchange, if that is one of its arguments. Rejects if it was
 * deleted meanwhile.
 */
export async function checkExchangeType(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
): Promise<{ alternate: string | undefined }> {
  const difference = await differenceTo(connection, exchange, type, neverDeclared)
  // Without the configure right RabbitMQ answers 403 and reveals nothing. It compares the type
  // first, and the other arguments after it.
  const current = currentOf(difference, 'type')
  if (current === delayedType) {
    const delayedDifference = await differenceTo(connection, exchange, delayedType, { 'x-delayed-type': type })
    const rules = currentOf(delayedDifference, 'x-delayed-type')
    if (rules !== undefined) throw otherExchangeType(exchange, rules, type)
  } else if (current !== undefined) {
    throw ownTypes.some((own) => own === current)
      ? otherExchangeType(exchange, current, type)
      : unsuitableExchangeType(exchange, current)
  }
  return { alternate: currentOf(difference, 'alternate-exchange') }
}

/**
 * The rules by which an existing exchange routes; undefined without the configure right on it,
 * because RabbitMQ then reveals nothing. Rejects if it was deleted meanwhile.
 */
export async function exchangeTypeOf(
  connection: ChannelModel,
  exchange: string,
): Promise<AmqpExchangeType | undefined> {
  const difference = await differenceTo(connection, exchange, 'topic', neverDeclared)
  const type = currentOf(difference, 'type')
  // RabbitMQ compares the type first.
  if (type === undefined) return difference?.includes('inequivalent arg') ? 'topic' : undefined
  if (type !== delayedType) return ownTypes.find((own): own is AmqpExchangeType => own === type)
  const delayedDifference = await differenceTo(connection, exchange, delayedType, { 'x-delayed-type': 'topic' })
  const rules = currentOf(delayedDifference, 'x-delayed-type')
  return rules === undefined ? 'topic' : ownTypes.find((own): own is AmqpExchangeType => own === rules)
}

/**
 * An argument that RabbitMQ refuses for a new exchange, because it is not a text, and reports as a
 * difference of an existing one, after its type and properties. So a check declares nothing, even
 * if another program deletes the exchange just before.
 */
const neverDeclared = { 'alternate-exchange': 0 }

/** RabbitMQ's text about the first difference, or undefined if nothing differs. */
async function differenceTo(
  connection: ChannelModel,
  exchange: string,
  type: string,
  args: Readonly<Record<string, string | number>>,
): Promise<string | undefined> {
  try {
    await onChannel(connection, (channel) => channel.assertExchange(exchange, type, { durable: true, arguments: args }))
    return undefined
  } catch (error) {
    const reply = replyOf(error)
    if (reply === undefined) throw error
    if (reply.text.includes('invalid type')) throw new Error(`exchange "${exchange}" does not exist`, { cause: error })
    return reply.text
  }
}

function currentOf(difference: string | undefined, argument: string): string | undefined {
  const found = /inequivalent arg '([^']*)' .* but current is (?:the value )?'*([^']+)'/s.exec(difference ?? '')
  return found?.[1] === argument ? found[2] : undefined
}

/** Declares the exchange if it does not exist. */
export async function ensureExchange(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
  durable = true,
): Promise<void> {
  if (!(await exchangeExists(connection, exchange))) await declareExchange(connection, exchange, type, durable)
}
