import { randomUUID } from 'node:crypto'
import { copyWireTypes, wireTypeOf } from '../../../core/body/amqp-field-types.ts'
import { asError } from '../../../core/model/error-text.ts'
import type { MessageProperties } from '../../../core/model/message.ts'
import type { Observer } from '../../../core/ports/observer.ts'
import { bufferedExchange, bufferedHeaders } from '../../../core/publishing/buffered-message.ts'
import { copiesOf } from '../../../core/quarantine/quarantine-copy.ts'
import { GatewayError } from '../../../errors.ts'
import type { GatewayPublication } from '../../driver.ts'
import type { Channel, ConsumeMessage } from '../connection/amqp.ts'
import type { ConnectionSession } from '../connection/reconnecting-connection.ts'
import type { Delivery } from '../message/delivery-reader.ts'

/** The maximum number of messages that are being moved to the journal at a time. */
const window = 32
/**
 * How long after a connection messages are moved one at a time, in milliseconds. While RabbitMQ
 * boots, it may return a message, which is then published again after its successors.
 */
const cautiousMs = 5_000

export interface BufferMoverOptions {
  readonly namespace: string
  /** The exchange of the sources that are bound to the queue. */
  readonly exchange: string
  readonly queue: string
  readonly publish: MovePublication
  readonly log: Observer['log']
  /** Called for each message that goes to the quarantine. */
  onRefused(): void
}

/**
 * With `entry`, resolves when the journal's tail has received that entry. Without it, behaves like
 * `Publisher.publish`.
 */
export type MovePublication = (
  publication: GatewayPublication,
  entry?: Pick<GatewayPublication, 'exchange' | 'routingKey' | 'body' | 'properties'>,
) => Promise<void>

/**
 * Moves messages from a buffer queue to the journal, in order. Each message is acknowledged when
 * the journal's tail has received it. Messages that the journal refuses go to the quarantine.
 * Rejects when the channel closes or RabbitMQ accepts no publishes. RabbitMQ then redelivers
 * unacknowledged messages to the next mover.
 */
export async function moveBuffered(
  { connection, deliveries }: Pick<ConnectionSession, 'connection' | 'deliveries'>,
  options: BufferMoverOptions,
  signal: AbortSignal,
): Promise<void> {
  const channel = await connection.createChannel()
  const startedAt = performance.now()
  const waiting: Delivery[] = []
  let inFlight = 0
  const consumerTag = randomUUID()
  let stopIntercepting = (): void => undefined
  let stop = (): void => undefined
  try {
    await new Promise<void>((resolve, reject) => {
      stop = resolve
      signal.addEventListener('abort', stop)
      channel.on('error', reject)
      channel.on('close', () => reject(new Error('the channel was closed')))
      const pump = (): void => {
        const limit = performance.now() - startedAt < cautiousMs ? 1 : window
        while (inFlight < limit && !signal.aborted) {
          const next = waiting.shift()
          if (!next) return
          inFlight += 1
          moveOne(next, options)
            .then(() => acknowledge(channel, next))
            .then(() => {
              inFlight -= 1
              pump()
            })
            .catch(reject)
        }
      }
      stopIntercepting = deliveries.intercept(consumerTag, (delivery) => {
        waiting.push(delivery)
        pump()
      })
      channel
        .prefetch(window)
        .then(() =>
          channel.consume(
            options.queue,
            deliveries.callback(consumerTag, () => reject(new Error('the queue was deleted'))),
            { consumerTag },
          ),
        )
        .catch(reject)
    })
  } finally {
    stopIntercepting()
    signal.removeEventListener('abort', stop)
    // Not awaited, because amqplib never settles a close if the connection is lost meanwhile.
    void Promise.resolve()
      .then(() => channel.close())
      .catch(() => undefined)
  }
}

/**
 * Publishes one message to the journal or to the quarantine. Rejects if RabbitMQ accepts neither.
 */
export async function moveOne(delivery: Delivery, options: BufferMoverOptions): Promise<void> {
  const { namespace, exchange, publish } = options
  const { routingKey, body, properties } = delivery
  const given = sendable({ ...properties, headers: streamable(properties.headers) })
  const headers = bufferedHeaders(given, exchange, delivery.redelivered)
  try {
    await publish(
      {
        exchange: bufferedExchange(namespace),
        routingKey,
        body,
        properties: { ...given, headers },
        into: 'journal',
      },
      { exchange, routingKey, body, properties: given },
    )
  } catch (error) {
    if (!isRefusal(error)) throw error
    await quarantine(delivery, asError(error), options)
  }
}

/**
 * A missing binding or exchange is repaired within seconds. Any other refusal is final for the
 * message.
 */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof GatewayError)) return false
  if (error.code === 'PAYLOAD_TOO_LARGE') return true
  return error.code === 'BAD_USER_INPUT' && error.field !== 'routingKey' && error.field !== 'exchange'
}

/**
 * Publishes the message to the quarantine with its original properties, or a summary if that is
 * refused too.
 */
async function quarantine(
  { routingKey, body, properties }: Delivery,
  error: Error,
  options: BufferMoverOptions,
): Promise<void> {
  const { namespace, exchange, publish, log } = options
  log('warn', `a message went to the quarantine: ${error.message}`, { exchange, routingKey })
  let refusal = error
  for (const copy of copiesOf({ exchange, routingKey, body, properties, receivedAt: Date.now() }, 'refused')) {
    try {
      await publish({ ...copy, exchange: `${namespace}.quarantine` })
      options.onRefused()
      return
    } catch (failure) {
      if (!isRefusal(failure)) throw failure
      refusal = asError(failure)
    }
  }
  throw refusal
}

/**
 * RabbitMQ refuses another user's id (https://www.rabbitmq.com/docs/validated-user-id), and a
 * stream ignores expirations.
 */
function sendable({ userId: _userId, expiration: _expiration, ...properties }: MessageProperties): MessageProperties {
  return properties
}

/** A stream of RabbitMQ 3 closes the connection because of a decimal, so decimals become text. */
function streamable(headers: MessageProperties['headers']): MessageProperties['headers'] {
  if (!headers) return undefined
  return withoutDecimals(headers, true) as MessageProperties['headers']
}

/**
 * `isTable` marks a table that looks like a typed value. Lists and tables are searched too, because
 * RabbitMQ 4 keeps them in headers with names that start with `x-`.
 */
function withoutDecimals(value: unknown, isTable: boolean): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const within = (one: unknown, name: string): unknown => withoutDecimals(one, wireTypeOf(value, name) === 'table')
  if (Array.isArray(value))
    return copyWireTypes(
      value,
      value.map((one: unknown, index) => within(one, String(index))),
    )
  if (!isTable && '!' in value) return value['!'] === 'decimal' ? decimalText(value) : value
  return copyWireTypes(value, Object.fromEntries(Object.entries(value).map(([name, one]) => [name, within(one, name)])))
}

function decimalText(decimal: object): string {
  const { places, digits } = (decimal as { value: { places: number; digits: number } }).value
  const text = String(digits).padStart(places + 1, '0')
  return places === 0 ? text : `${text.slice(0, -places)}.${text.slice(-places)}`
}

export function acknowledge(channel: Channel, { deliveryTag }: Delivery): void {
  // `ack` of amqplib reads nothing else of a message.
  channel.ack({ fields: { deliveryTag } } as ConsumeMessage)
}
