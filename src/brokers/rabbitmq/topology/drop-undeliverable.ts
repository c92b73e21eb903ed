import { quarantineId } from '../../../core/quarantine/quarantined-message.ts'
import { QuarantineChanged, type QuarantineQueue } from './quarantine-queue.ts'

/**
 * As many unacknowledged messages return to a quorum queue in their order. More of them return in
 * any order, as in Erlang's maps.
 */
const maxInOrder = 32
/** A message is undeliverable after it has ended this many connections. */
const endsBeforeDropped = 3
/** Two moves and a look suffice, unless other programs change the queue meanwhile. */
const maxMoves = 5

/**
 * Deletes the first message of the quarantine that RabbitMQ cannot deliver to a consumer of AMQP
 * 0-9-1, so that those behind it can be read. Nothing of it is kept, because nothing of it can be
 * read. Resolves with false if there is none. Rejects as `visit` does. `open`: opens the queue for
 * one visit.
 */
export async function dropUndeliverable(open: () => QuarantineQueue): Promise<boolean> {
  const first = await readUpTo(open)
  if (!first) return false
  await settle(open, first.count)
  // The undeliverable one returns with them.
  const isInOrder = first.ids.length < maxInOrder
  if (!isInOrder) await moveToEnd(open, first.count)
  let before = isInOrder ? first.ids : undefined
  for (let ends = isInOrder ? 1 : 0; ends < endsBeforeDropped; ends += 1) {
    const found = await readUpTo(open)
    if (!found || (before && !areEqual(found.ids, before))) throw new QuarantineChanged()
    before = found.ids
    await settle(open, found.count)
  }
  return withQueue(open, (queue) => queue.deleteAfter(before ?? []))
}

/**
 * Moves the messages before the undeliverable one behind the others, until it comes first. It
 * returns behind those that returned earlier, so once is not enough. Each is published before it is
 * removed: if this is interrupted, one may be there twice.
 */
async function moveToEnd(open: () => QuarantineQueue, count: number): Promise<void> {
  for (let tried = 0; tried < maxMoves; tried += 1) {
    let moved = 0
    await withQueue(open, (queue) =>
      queue.visit(Number.POSITIVE_INFINITY, async (message) => {
        await queue.append(message)
        moved += 1
        return 'remove'
      }),
    )
    await settle(open, count)
    if (moved === 0) return
  }
}

/**
 * The ids of the messages before the undeliverable one, and how many the queue had. Undefined: all
 * can be delivered.
 */
async function readUpTo(
  open: () => QuarantineQueue,
): Promise<{ readonly ids: readonly string[]; readonly count: number } | undefined> {
  const ids: string[] = []
  const { count, unread } = await withQueue(open, (queue) =>
    queue.visit(Number.POSITIVE_INFINITY, (message) => {
      ids.push(quarantineId(message))
      return Promise.resolve('keep')
    }),
  )
  return unread > 0 ? { ids, count } : undefined
}

/** RabbitMQ puts messages back a moment after it has ended the connection that had them. */
async function settle(open: () => QuarantineQueue, count: number): Promise<void> {
  await withQueue(open, (queue) => queue.settle(count))
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
