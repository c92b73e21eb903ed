import type { IncomingMessage } from 'node:http'

/**
 * Whose address counts for limits. Each proxy appends whom it was called by to `X-Forwarded-For`,
 * and whatever stands before that may be made up: so the entry of the outermost of `hops` proxies
 * that the operator has set up is taken, and the header is passed over where there is none.
 */
export function addressOf(request: IncomingMessage | undefined, hops: number): string {
  const peer = request?.socket.remoteAddress ?? ''
  if (hops === 0) return peer
  const forwarded = [request?.headers['x-forwarded-for'] ?? []].flat().join(',').split(',')
  return forwarded.at(-hops)?.trim() || peer
}
