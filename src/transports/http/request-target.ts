import type { IncomingMessage } from 'node:http'

/** The scheme, the authority without a user, and the rest without a fragment. */
const absoluteForm = /^(?:http|ws)s?:\/\/([^/?#@]+)([/?][^#]*)?(?:#|$)/i

/**
 * Rewrites a target in absolute form (`GET http://host/graphql`), as some proxies send it, to the
 * path. Its authority replaces `Host` (RFC 9112 §3.2.2), so that the checks of hosts apply to it.
 */
export function toOriginForm(request: IncomingMessage): void {
  const [, authority, rest = ''] = absoluteForm.exec(request.url ?? '') ?? []
  if (authority === undefined) return
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  request.headers.host = authority
}
