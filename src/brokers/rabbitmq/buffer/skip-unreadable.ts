import { randomUUID } from 'node:crypto'
import { pause } from '../../../core/timing/pause.ts'
import type { OpenConnection } from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'
import type { Delivery } from '../message/delivery-reader.ts'
import { acknowledge } from './buffer-mover.ts'

/** A message is unreadable after this many connections ended on it. */
const endsBeforeDropped = 3
/**
 * How many messages are moved one at a time: those that were in flight when the connection ended.
 */
const messagesInDoubt = 64
/**
 * A consumer that receives nothing for this long has reached the end, or another replica has the
 * active consumer; in milliseconds.
 */
const quietMs = 2_000
/** The delay before a failed publish is retried, in milliseconds. */
const retryMs = 1_000

export interface SkipUnreadableOptions {
  readonly openConnection: OpenConnection
  readonly queue: string
  /** Publishes a message to the journal. */
  readonly move: (delivery: Delivery) => Promise<void>
  /** Called when a message was dropped because RabbitMQ cannot deliver it to any consumer. */
  readonly onUnreadable: () => void
}

/**
 * `broken`: RabbitMQ closed the connection because of a message. `read`: the messages in doubt
 * could be read, or none remained.
 */
type Ending = 'broken' | 'read' | 'failed'

/**
 * Moves messages one at a time, past messages that end every consumer which receives them (RabbitMQ
 * 4.0: values that AMQP 0-9-1 cannot carry). Each attempt has its own connection. With `noAck` such
 * a message leaves the queue before RabbitMQ fails, and the messages behind it are not delivered
 * yet.
 */
export async function readPastUnreadable(options: SkipUnreadableOptions, signal: AbortSignal): Promise<void> {
  for (let ends = 0; !signal.aborted; ) {
    const drop = ends >= endsBeforeDropped
    const ending = await attempt(options, drop, signal)
    if (ending !== 'broken') return
    ends = drop ? 0 : ends + 1
    if (drop) options.onUnreadable()
  }
}

function attempt(
  { openConnection, queue, move }: SkipUnreadableOptions,
  drop: boolean,
  signal: AbortSignal,
): Promise<Ending> {
  return new Promise((resolve) => {
    let finished = false
    let moved = 0
    let moving: Promise<void> = Promise.resolve()
    const finish = (ending: Ending): void => {
      if (finished) return
      finished = true
      clearTimeout(quiet)
      signal.removeEventListener('abort', aborted)
      void Promise.allSettled([moving, connection.close()]).then(() => resolve(ending))
    }
    const aborted = (): void => finish('failed')
    let quiet = setTimeout(() => finish('failed'), 5 * quietMs)
    const restartQuietTimer = (): void => {
      clearTimeout(quiet)
      if (!finished) quiet = setTimeout(() => finish('read'), quietMs)
    }
    signal.addEventListener('abort', aborted)
    const connection = openConnection({
      purpose: 'careful reading',
      establish: async (session) => {
        session.signal.addEventListener('abort', () => {
          finish(repliedWith(session.signal.reason, replyCodes.internalError) ? 'broken' : 'failed')
        })
        const channel = await session.connection.createChannel()
        channel.on('error', (error) => session.fail(error))
        const consumerTag = randomUUID()
        session.deliveries.intercept(consumerTag, (delivery) => {
          // The message was not acknowledged, so it returns to the queue when this connection
          // closes.
          if (finished && !drop) return
          restartQuietTimer()
          moving = moving.then(async () => {
            // With `noAck` no other consumer can receive the message, so it is published even if
            // the session ends.
            await moveUntilAccepted(move, delivery, drop ? new AbortController().signal : session.signal)
            if (!drop && !session.signal.aborted) acknowledge(channel, delivery)
            moved += 1
            if (moved >= messagesInDoubt) finish('read')
          })
          moving.catch((error: unknown) => session.fail(error as Error))
        })
        await channel.prefetch(1)
        await channel.consume(
          queue,
          session.deliveries.callback(consumerTag, () => finish('failed')),
          { consumerTag, noAck: drop },
        )
        restartQuietTimer()
      },
      onDown: () => setImmediate(() => finish('failed')),
    })
    if (signal.aborted) aborted()
  })
}

async function moveUntilAccepted(
  move: SkipUnreadableOptions['move'],
  delivery: Delivery,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await move(delivery)
    } catch {
      await pause(retryMs, signal)
    }
  }
}
