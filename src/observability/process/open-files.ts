import { readFile } from 'node:fs/promises'

/**
 * Files besides the sockets of clients: connections to RabbitMQ and PostgreSQL, requests to other
 * servers, the ops port, and files on disk.
 */
export const otherFiles = 200

/**
 * How many files this process may have open: RLIMIT_NOFILE, which Node raises to the hard limit
 * when it starts. Infinite if the system has no limit, or no /proc.
 */
export async function openFilesLimit(): Promise<number> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, limit] = /^Max open files\s+(\d+)/m.exec(limits) ?? []
  return limit === undefined ? Number.POSITIVE_INFINITY : Number(limit)
}

/** How many sockets of clients fit. A very low limit is shared equally with all other files. */
export function socketsWithin(limit: number): number {
  return Math.max(limit - otherFiles, Math.floor(limit / 2))
}
