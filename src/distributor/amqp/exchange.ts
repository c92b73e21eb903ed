import type { ChannelModel } from 'amqplib'
import { GatewayError } from '../../errors.ts'
import { otherExchangeType, reservedExchange } from '../refusals.ts'
import { repliedWith, replyCodes, replyOf } from './reply.ts'
import { onChannel } from './short-lived-channel.ts'

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

/** Declares an exchange that is missing. Rejects with `SOURCE_CONFLICT` where RabbitMQ doesn't allow it. */
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
 * Takes an existing exchange as it is, whatever its arguments, so long as it routes by the rules that are expected.
 * RabbitMQ tells the type of an exchange only in the refusal of a declaration that contradicts it; declaring one
 * that agrees changes nothing. Exchange types of plugins (`x-delayed-message`) are taken on trust.
 */
export async function checkExchangeType(
  connection: ChannelModel,
  exchange: string,
  type: AmqpExchangeType,
): Promise<void> {
  try {
    await onChannel(connection, (channel) => channel.assertExchange(exchange, type, { durable: true }))
  } catch (error) {
    const reply = replyOf(error)
    if (reply === undefined) throw error
    // Who may not configure the exchange may not ask either (403); any other difference than the type's comes after it.
    const current = /inequivalent arg 'type' .* but current is '?([\w-]+)'?/.exec(reply.text)?.[1]
    if (current !== undefined && ownTypes.includes(current)) throw otherExchangeType(exchange, current, type)
  }
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
