import { GatewayError } from '../../../errors.ts'
import { otherExchangeType, reservedExchange, unsuitableExchangeType } from '../../refusals.ts'
import type { ChannelModel } from '../connection/amqp.ts'
import { repliedWith, replyCodes, replyOf } from '../connection/reply-codes.ts'
import { onChannel } from './with-channel.ts'

export type AmqpExchangeType = 'direct' | 'fanout' | 'topic' | 'headers'
const ownTypes: readonly string[] = ['direct', 'fanout', 'topic', 'headers'] satisfies AmqpExchangeType[]

/** A passive declaration needs no permission and changes nothing. */
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
 * Declares an exchange that is missing. Rejects with `SOURCE_CONFLICT` where RabbitMQ doesn't allow
 * it.
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
      `exchange "${exchange}" does not exist, and Warren's RabbitMQ user lacks the permission to make it: grant configure on it, or make it`,
      { cause: error },
    )
  }
}

/**
 * Messages are held back and then routed by the rules of another type:
 * https://github.com/rabbitmq/rabbitmq-delayed-message-exchange
 */
const delayedType = 'x-delayed-message'

/**
 * Takes an existing exchange as it is, whatever its arguments, so long as it routes by the rules
 * that are expected. RabbitMQ tells the type of an exchange only in the refusal of a declaration
 * that contradicts it; declaring one that agrees changes nothing. Resolves with the name of its
 * alternate exchange, where that is an argument of it.
 */
export async function checkExchangeType(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
): Promise<{ alternate: string | undefined }> {
  const difference = await differenceTo(connection, exchange, type, {})
  // Who may not configure the exchange may not ask either (403); any other difference than the
  // type's comes after it.
  const current = currentOf(difference, 'type')
  if (current === delayedType) {
    const delayed = await differenceTo(connection, exchange, delayedType, { 'x-delayed-type': type })
    const rules = currentOf(delayed, 'x-delayed-type')
    if (rules !== undefined) throw otherExchangeType(exchange, rules, type)
  } else if (current !== undefined) {
    throw ownTypes.includes(current)
      ? otherExchangeType(exchange, current, type)
      : unsuitableExchangeType(exchange, current)
  }
  return { alternate: currentOf(difference, 'alternate-exchange') }
}

/** RabbitMQ's words for what is different; undefined where nothing is. */
async function differenceTo(
  connection: ChannelModel,
  exchange: string,
  type: string,
  args: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  try {
    await onChannel(connection, (channel) => channel.assertExchange(exchange, type, { durable: true, arguments: args }))
    return undefined
  } catch (error) {
    const reply = replyOf(error)
    if (reply === undefined) throw error
    return reply.text
  }
}

function currentOf(difference: string | undefined, argument: string): string | undefined {
  const found = /inequivalent arg '([^']*)' .* but current is (?:the value )?'*([^']+)'/s.exec(difference ?? '')
  return found?.[1] === argument ? found[2] : undefined
}

/** Takes an exchange of the name as it is, or declares it. */
export async function ensureExchange(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
  durable = true,
): Promise<void> {
  if (!(await exchangeExists(connection, exchange))) await declareExchange(connection, exchange, type, durable)
}
