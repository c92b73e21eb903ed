import type { IncomingMessage } from 'node:http'

/**
 * The client address that limits count by. Each proxy appends the address of its caller to
 * `X-Forwarded-For`; a client can forge everything before that. So the entry that the outermost of
 * the operator's `hops` proxies appended counts. Without it, or with 0 hops, it is the address of
 * the socket.
 */
export function addressOf(request: IncomingMessage | undefined, hops: number): string {
  const peer = request?.socket.remoteAddress ?? ''
  if (hops === 0) return peer
  const forwarded = [request?.headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  return forwarded.at(-hops)?.trim() || peer
}
