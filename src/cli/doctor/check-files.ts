import type { Config } from '../../config/options/options.ts'
import type { Finding } from '../../core/ports/finding.ts'
import { openFilesLimit, otherFiles } from '../../observability/process/open-files.ts'
import { extraSockets } from '../../transports/flow/accepted-sockets.ts'

/** Each connection uses a file descriptor. */
export async function checkFiles({ maxConnections }: Config): Promise<Finding[]> {
  const limit = await openFilesLimit()
  if (limit === undefined) return []
  const wanted = maxConnections + extraSockets + otherFiles
  const text = `${limit === Number.POSITIVE_INFINITY ? 'unlimited' : limit} open files, for WARREN_MAX_CONNECTIONS of ${maxConnections}`
  if (limit >= wanted) return [{ check: 'files', status: 'ok', text }]
  const advice = `raise the limit (ulimit -Hn, LimitNOFILE=) to ${wanted}, or lower WARREN_MAX_CONNECTIONS`
  return [{ check: 'files', status: 'warn', text, advice }]
}
