import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * The TCP sockets of this network namespace, as Linux lists them:
 * https://docs.kernel.org/networking/proc_net_tcp.html
 */
const tables = ['/proc/net/tcp', '/proc/net/tcp6']

/** How long a reading of the tables is reused, in milliseconds. */
const reuseMs = 200

/**
 * Bytes that the system still holds for the peers of sockets. The system reports a socket as
 * writable only when a third of them is sent. That is some hundred KiB, which a slow reader takes
 * minutes for.
 */
export class SendQueues {
  #reading: Promise<ReadonlyMap<string, number>> | undefined

  /** In bytes; undefined if the system does not provide it. */
  async of({ localPort, remotePort }: Socket): Promise<number | undefined> {
    // All callers share one reading, and callers shortly after it: with 10,000 sockets in the
    // tables it takes tens of milliseconds.
    this.#reading ??= readTables().finally(() => {
      setTimeout(() => {
        this.#reading = undefined
      }, reuseMs).unref()
    })
    return (await this.#reading).get(keyOf(localPort ?? 0, remotePort ?? 0))
  }
}

/**
 * By local and remote port. Peers at several addresses may use the same ports: their bytes are
 * added up.
 */
async function readTables(): Promise<ReadonlyMap<string, number>> {
  const queues = new Map<string, number>()
  for (const table of tables) {
    const text = await readFile(table, 'latin1').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const [, local = '', remote = '', , queued = ''] = line.trim().split(/\s+/)
      const bytes = Number.parseInt(queued, 16)
      const key = keyOf(portOf(local), portOf(remote))
      if (!Number.isNaN(bytes)) queues.set(key, (queues.get(key) ?? 0) + bytes)
    }
  }
  return queues
}

function keyOf(localPort: number, remotePort: number): string {
  return `${localPort} ${remotePort}`
}

function portOf(address: string): number {
  return Number.parseInt(address.split(':')[1] ?? '', 16)
}
