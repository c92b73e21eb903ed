import type { ClientFragment } from '../../api/generated/graphql.ts'
import { clientStates, type Look } from '../../parts/status.tsx'

/** The worst that holds for a client. */
export function clientLook({
  banned,
  dropped,
  slow,
  online,
}: Pick<ClientFragment, 'banned' | 'dropped' | 'slow' | 'online'>): Look {
  if (banned) return clientStates.banned
  if (online && dropped > 0) return clientStates.dropping
  if (slow) return clientStates.slow
  return online ? clientStates.online : clientStates.offline
}
