import type { Worker } from 'node:cluster'

/**
 * What Node's primary and workers say to each other (lib/internal/cluster): a connection is handed
 * over with `act: newconn`, and taken or refused with `ack`.
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
 * Breaks the connections that were handed to a worker which ended before it took them. Node waits
 * for its answer for ever and keeps them open, so that their clients would wait for ever as well
 * (lib/internal/cluster/round_robin_handle.js: handoff).
 */
export function breakUntaken(worker: Worker): void {
  const { process: child } = worker
  const untaken = new Map<number, Handle>()
  const send = child.send.bind(child) as (...given: unknown[]) => boolean
  child.send = (...given: unknown[]) => {
    const [message, handle] = given as [ClusterMessage, Handle | undefined]
    if (message.act === 'newconn' && message.seq !== undefined && handle) untaken.set(message.seq, handle)
    return send(...given)
  }
  child.on('internalMessage', ({ ack }: ClusterMessage) => {
    if (ack !== undefined) untaken.delete(ack)
  })
  worker.once('exit', () => {
    for (const handle of untaken.values()) handle.close()
  })
}
