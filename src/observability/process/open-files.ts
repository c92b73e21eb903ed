import { readFile } from 'node:fs/promises'

/**
 * Files besides the sockets of clients: connections to RabbitMQ and PostgreSQL, requests to other
 * servers, the ops port, and files on disk.
 */
export const otherFiles = 200

/**
 * How many files this process may have open: RLIMIT_NOFILE, which Node raises to the hard limit
 * when it starts. It may be infinite. Undefined on a system without /proc.
 */
export async function openFilesLimit(): Promise<number | undefined> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, limit] = /^Max open files\s+(\S+)/m.exec(limits) ?? []
  if (limit === undefined) return undefined
  return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
}

/** How many sockets of clients fit. A very low limit is shared equally with all other files. */
export function socketsWithin(limit: number): number {
  return Math.max(limit - otherFiles, Math.floor(limit / 2))
}
