import { randomUUID } from 'node:crypto'
import { pause } from '../../../core/timing/pause.ts'
import type { OpenConnection } from '../connection/reconnecting-connection.ts'
import { repliedWith, replyCodes } from '../connection/reply-codes.ts'
import type { Delivery } from '../message/delivery-reader.ts'
import { acknowledge } from './buffer-mover.ts'

/** After so many connections that ended over a message, it is unreadable. */
const endsBeforeDropped = 3
/**
 * So many messages are moved one at a time: those that were on their way when the connection ended.
 */
const messagesInDoubt = 64
/**
 * A consumer that is given nothing for so long has come to the end, or another replica's has its
 * turn, in milliseconds.
 */
const quietMs = 2_000
/** Before a message that RabbitMQ did not take is published again, in milliseconds. */
const againMs = 1_000

export interface DoubtOptions {
  readonly openConnection: OpenConnection
  readonly queue: string
  /** Publishes a message into the journal. */
  readonly take: (delivery: Delivery) => Promise<void>
  /** A message was dropped, because RabbitMQ can hand it to nobody. */
  readonly onUnreadable: () => void
}

/**
 * `broken`: RabbitMQ ended the connection over a message; `read`: those in doubt could be read, or
 * there are none.
 */
type Ending = 'broken' | 'read' | 'failed'

/**
 * Moves messages one at a time, past those that end every consumer which is handed one (RabbitMQ
 * 4.0: what AMQP 0-9-1 cannot carry), each attempt on a connection of its own. Taken without
 * acknowledgement, such a message is gone from the queue before RabbitMQ fails; those behind it are
 * not handed out yet.
 */
export async function readPastUnreadable(options: DoubtOptions, signal: AbortSignal): Promise<void> {
  for (let ends = 0; !signal.aborted; ) {
    const drop = ends >= endsBeforeDropped
    const ending = await attempt(options, drop, signal)
    if (ending !== 'broken') return
    ends = drop ? 0 : ends + 1
    if (drop) options.onUnreadable()
  }
}

function attempt({ openConnection, queue, take }: DoubtOptions, drop: boolean, signal: AbortSignal): Promise<Ending> {
  return new Promise((resolve) => {
    let over = false
    let moved = 0
    let taking: Promise<void> = Promise.resolve()
    const finish = (ending: Ending): void => {
      if (over) return
      over = true
      clearTimeout(quiet)
      signal.removeEventListener('abort', aborted)
      void Promise.allSettled([taking, link.close()]).then(() => resolve(ending))
    }
    const aborted = (): void => finish('failed')
    let quiet = setTimeout(() => finish('failed'), 5 * quietMs)
    const listen = (): void => {
      clearTimeout(quiet)
      if (!over) quiet = setTimeout(() => finish('read'), quietMs)
    }
    signal.addEventListener('abort', aborted)
    const link = openConnection({
      purpose: 'careful reading',
      establish: async (session) => {
        session.signal.addEventListener('abort', () => {
          finish(repliedWith(session.signal.reason, replyCodes.internalError) ? 'broken' : 'failed')
        })
        const channel = await session.connection.createChannel()
        channel.on('error', (error) => session.fail(error))
        const consumerTag = randomUUID()
        session.deliveries.take(consumerTag, (delivery) => {
          // With acknowledgement it goes back to the queue with this connection.
          if (over && !drop) return
          listen()
          taking = taking.then(async () => {
            // Without acknowledgement nobody else has it any more.
            await untilTaken(take, delivery, drop ? new AbortController().signal : session.signal)
            if (!drop && !session.signal.aborted) acknowledge(channel, delivery)
            moved += 1
            if (moved >= messagesInDoubt) finish('read')
          })
          taking.catch((error: unknown) => session.fail(error as Error))
        })
        await channel.prefetch(1)
        await channel.consume(queue, () => finish('failed'), { consumerTag, noAck: drop })
        listen()
      },
      onDown: () => setImmediate(() => finish('failed')),
    })
    if (signal.aborted) aborted()
  })
}

async function untilTaken(take: DoubtOptions['take'], delivery: Delivery, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await take(delivery)
    } catch {
      await pause(againMs, signal)
    }
  }
}
