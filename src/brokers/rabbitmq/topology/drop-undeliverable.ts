import { quarantineId } from '../../../core/quarantine/quarantined-message.ts'
import { QuarantineChanged, type QuarantineQueue } from './quarantine-queue.ts'

/**
 * As many unacknowledged messages return to a quorum queue in their order. More of them return in
 * any order, as in Erlang's maps.
 */
const maxInOrder = 32
/** A message is undeliverable after it has ended this many connections. */
const endsBeforeDropped = 3

/**
 * Deletes the first message of the quarantine that RabbitMQ cannot deliver to a consumer of AMQP
 * 0-9-1, so that those behind it can be read. Nothing of it is kept, because nothing of it can be
 * read. Resolves with false if there is none. Rejects as `visit` does. `open`: opens the queue for
 * one visit.
 */
export async function dropUndeliverable(open: () => QuarantineQueue): Promise<boolean> {
  const found = await idsBefore(open)
  if (!found) return false
  // The undeliverable one returns with them.
  if (found.length >= maxInOrder) await moveToEnd(open)
  let before: readonly string[] | undefined
  for (let ends = 0; ends < endsBeforeDropped; ends += 1) {
    const ids = await idsBefore(open)
    if (!ids) return false
    if (before && !areEqual(ids, before)) throw new QuarantineChanged()
    before = ids
  }
  return withQueue(open, (queue) => queue.deleteAfter(before ?? []))
}

/**
 * Moves the messages before the undeliverable one behind the others, so that it comes first. Each
 * is published before it is removed: if this is interrupted, one may be there twice.
 */
async function moveToEnd(open: () => QuarantineQueue): Promise<void> {
  await withQueue(open, (queue) =>
    queue.visit(Number.POSITIVE_INFINITY, async ({ body, properties }) => {
      await queue.publish({ exchange: '', routingKey: queue.name, body, properties })
      return 'remove'
    }),
  )
}

/** The ids of the messages before the undeliverable one; undefined if all can be delivered. */
async function idsBefore(open: () => QuarantineQueue): Promise<readonly string[] | undefined> {
  const ids: string[] = []
  const { unread } = await withQueue(open, (queue) =>
    queue.visit(Number.POSITIVE_INFINITY, (message) => {
      ids.push(quarantineId(message))
      return Promise.resolve('keep')
    }),
  )
  return unread > 0 ? ids : undefined
}

async function withQueue<Result>(
  open: () => QuarantineQueue,
  work: (queue: QuarantineQueue) => Promise<Result>,
): Promise<Result> {
  const queue = open()
  try {
    return await work(queue)
  } finally {
    await queue.close()
  }
}

function areEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((id, index) => id === other[index])
}
