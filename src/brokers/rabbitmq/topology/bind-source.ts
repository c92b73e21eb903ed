import { asError } from '../../../core/model/error-text.ts'
import { bindingOf, lifeOf, type Source } from '../../../core/model/source.ts'
import { bufferedExchange } from '../../../core/publishing/buffered-message.ts'
import { defaultExchangeOf, formerBindingKey } from '../../../core/sources/default-source.ts'
import { GatewayError } from '../../../errors.ts'
import { bufferQueueName, declareBuffer } from '../buffer/buffer-queue.ts'
import { onChannel } from '../channel/with-channel.ts'
import type { Channel, ChannelModel } from '../connection/amqp.ts'
import { replyCodes, replyOf } from '../connection/reply-codes.ts'

/** Where the bindings of sources lead. */
export interface BindingTarget {
  /**
   * The queue or stream that every source is bound to, a buffered source through its buffer queue.
   * It must exist.
   */
  readonly queue: string
  /** The prefix of the names of buffer queues. */
  readonly namespace: string
}

/** Binds a source to an existing exchange. Declares the buffer queue of a buffered source. */
export async function declareAndBind(connection: ChannelModel, source: Source, target: BindingTarget): Promise<void> {
  if (source.buffered) await declareBuffer(connection, target.namespace, source.exchange)
  await onChannel(connection, (channel) => bindSource(channel, source, target))
}

/** The exchange and the queue must exist: RabbitMQ closes the channel if one of them does not. */
export async function bindSource(channel: Channel, source: Source, target: BindingTarget): Promise<void> {
  const { exchange, key, arguments: args } = bindingOf(source)
  await channel.bindQueue(queueOf(source, target), exchange, key, { ...args, ...bindingLabel(source) })
  if (source.buffered) await channel.bindQueue(target.queue, bufferedExchange(target.namespace), '')
  await unbindFormer(channel, source, target)
}

/**
 * Removes the binding of a source. `kept`: the sources that stay bound. Unbinding a missing binding
 * succeeds, even if the queue or the exchange is missing.
 */
export async function unbindSource(
  connection: ChannelModel,
  source: Source,
  target: BindingTarget,
  kept: Iterable<Source>,
): Promise<void> {
  const { exchange, key, arguments: args } = bindingOf(source)
  const queue = queueOf(source, target)
  const isShared = [...kept].some((other) => sameBinding(other, source))
  await onChannel(connection, async (channel) => {
    await channel.unbindQueue(queue, exchange, key, { ...args, ...bindingLabel(source) })
    // Replicas up to 0.1 bind without the label.
    if (!isShared) await channel.unbindQueue(queue, exchange, key, args)
    await unbindFormer(channel, source, target)
  })
}

/**
 * Converts RabbitMQ's refusal of a binding to an error for the caller. Returns other errors
 * unchanged.
 */
export function bindingRefusal(error: unknown, source: Source, target: BindingTarget): Error {
  const { exchange } = source
  const reply = replyOf(error)
  if (reply === undefined || reply.text.startsWith('no queue ')) return asError(error)
  let text = `RabbitMQ refuses to bind exchange "${exchange}": ${reply.text}`
  if (isMissingExchange(error)) text = `exchange "${exchange}" does not exist`
  else if (reply.code === replyCodes.accessRefused) {
    text = `no permission to bind exchange "${exchange}" (${reply.text}): grant Warren's RabbitMQ user read on it and write on "${queueOf(source, target)}"`
  }
  return new GatewayError('SOURCE_CONFLICT', text, { cause: error })
}

export function isMissingExchange(error: unknown): boolean {
  const reply = replyOf(error)
  return reply?.code === replyCodes.notFound && reply.text.startsWith('no exchange ')
}

/** Replicas up to 0.1 bind the default source to fewer keys, and leave that binding behind. */
async function unbindFormer(channel: Channel, source: Source, target: BindingTarget): Promise<void> {
  const { exchange } = source
  const key = formerBindingKey(source, defaultExchangeOf(target.namespace))
  if (key !== undefined) await channel.unbindQueue(queueOf(source, target), exchange, key, {})
}

function queueOf({ buffered, exchange }: Source, { queue, namespace }: BindingTarget): string {
  return buffered ? bufferQueueName(namespace, exchange) : queue
}

/**
 * Gives each life of a source a binding of its own. A replica that reads late that a source was
 * deleted removes its binding, and must not remove the one of a source that was created since.
 * RabbitMQ ignores arguments in `x-` when it routes, for exchanges of every type.
 */
function bindingLabel(source: Source): Record<string, string> {
  return { 'x-warren-source': lifeOf(source) }
}

function sameBinding(one: Source, other: Source): boolean {
  return JSON.stringify(bindingOf(one)) === JSON.stringify(bindingOf(other))
}
