import { readFile } from 'node:fs/promises'
import type { Config } from '../../config/options/options.ts'
import type { Finding } from '../../core/ports/finding.ts'

/** Files other than client connections: broker, database, requests and files on disk. */
const others = 1_200

/**
 * Each connection uses a file descriptor. Node raises the soft limit to the hard limit at startup.
 */
export async function checkFiles({ maxConnections }: Config): Promise<Finding[]> {
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(limits) ?? []
  if (hard === undefined) return []
  const limit = hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
  const text = `${hard} open files, for WARREN_MAX_CONNECTIONS of ${maxConnections}`
  if (limit >= maxConnections + others) return [{ check: 'files', status: 'ok', text }]
  const advice = `raise the limit (ulimit -Hn, LimitNOFILE=) to ${maxConnections + others}, or lower WARREN_MAX_CONNECTIONS`
  return [{ check: 'files', status: 'warn', text, advice }]
}
