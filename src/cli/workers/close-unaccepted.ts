import type { Worker } from 'node:cluster'

/**
 * Messages between Node's primary and its workers. With `act: newconn` the primary passes a
 * connection, and the worker accepts or rejects it with `ack` (lib/internal/cluster). Each handle
 * is confirmed by `NODE_HANDLE_ACK`, or by `NODE_HANDLE_NACK` if the worker received the message
 * without it; one is under way at a time (lib/internal/child_process.js).
 */
interface InternalMessage {
  readonly cmd?: string
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

interface Handle {
  close(): void
}

/**
 * Closes connections that a worker cannot accept, so that their clients try again. Node waits for
 * the worker's answer forever, keeps them open, and passes no other connection to that worker
 * (lib/internal/cluster/round_robin_handle.js: handoff). It happens if
 *
 * - the worker exits first. Node may also choose it later, until it has read all messages of it;
 * - the worker has as many files open as its limit allows, so that it receives no handle.
 */
export function closeUnaccepted(worker: Worker): void {
  const { process: child } = worker
  const unaccepted = new Map<number, Handle>()
  /** Handles that are not confirmed, the oldest first: the numbers of connections, or undefined. */
  const unconfirmed: (number | undefined)[] = []
  const send = child.send.bind(child) as (...given: unknown[]) => boolean
  child.send = (...given: unknown[]) => {
    // Without a handle, there may be a callback in its place.
    const [message, handle] = given as [InternalMessage, Handle | (() => void) | null | undefined]
    if (!handle || typeof handle === 'function') return send(...given)
    const connection = message.act === 'newconn' ? message.seq : undefined
    if (connection !== undefined && worker.isDead()) {
      handle.close()
      return false
    }
    unconfirmed.push(connection)
    if (connection !== undefined) unaccepted.set(connection, handle)
    return send(...given)
  }
  child.on('internalMessage', ({ cmd, ack }: InternalMessage) => {
    if (ack !== undefined) unaccepted.delete(ack)
    if (cmd !== 'NODE_HANDLE_ACK' && cmd !== 'NODE_HANDLE_NACK') return
    const connection = unconfirmed.shift()
    // As if it were accepted: Node closes it here, and may pass the next one.
    if (cmd === 'NODE_HANDLE_NACK' && connection !== undefined)
      child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: connection, accepted: true })
  })
  worker.once('exit', () => {
    for (const handle of unaccepted.values()) handle.close()
    // With a handle under way, Node does not notice the end of the channel, and would choose the
    // worker again. This takes it out of Node's lists.
    if (unconfirmed.length > 0) worker.disconnect()
  })
}
