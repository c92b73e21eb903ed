import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * What Linux says of the TCP sockets of this network namespace:
 * https://docs.kernel.org/networking/proc_net_tcp.html
 */
const tables = ['/proc/net/tcp', '/proc/net/tcp6']

/** How long a look counts, in milliseconds. */
const lastingMs = 200

/**
 * What the system still keeps for the peers of sockets. A process is told that it may write again
 * when a third of that is gone: some hundred KiB, which a slow reader takes minutes for.
 */
export class SendQueues {
  #reading: Promise<ReadonlyMap<string, number>> | undefined

  /** In bytes; undefined where the system does not say. */
  async of({ localPort, remotePort }: Socket): Promise<number | undefined> {
    // One look is enough for all who ask meanwhile and shortly after: with 10,000 sockets in the
    // tables it takes tens of milliseconds.
    this.#reading ??= readTables().finally(() => {
      setTimeout(() => {
        this.#reading = undefined
      }, lastingMs).unref()
    })
    return (await this.#reading).get(keyOf(localPort ?? 0, remotePort ?? 0))
  }
}

/**
 * By ports. Peers at several addresses may have the same: then what is kept for them is added up.
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
