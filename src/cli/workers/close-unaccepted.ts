import type { Worker } from 'node:cluster'

/**
 * Messages between Node's primary and its workers (lib/internal/cluster). The primary passes a
 * connection with `act: newconn`, and the worker accepts or rejects it with `ack`.
 */
interface ClusterMessage {
  readonly act?: string
  readonly seq?: number
  readonly ack?: number
}

interface Handle {
  close(): void
}

/**
 * Closes connections that were passed to a worker which exited before it accepted them. Node waits
 * for the worker's answer forever and keeps them open, so their clients would wait forever too
 * (lib/internal/cluster/round_robin_handle.js: handoff).
 */
export function closeUnaccepted(worker: Worker): void {
  const { process: child } = worker
  const unaccepted = new Map<number, Handle>()
  const send = child.send.bind(child) as (...given: unknown[]) => boolean
  child.send = (...given: unknown[]) => {
    const [message, handle] = given as [ClusterMessage, Handle | undefined]
    if (message.act === 'newconn' && message.seq !== undefined && handle) unaccepted.set(message.seq, handle)
    return send(...given)
  }
  child.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) unaccepted.delete(ack)
  })
  worker.once('exit', () => {
    for (const handle of unaccepted.values()) handle.close()
  })
}
