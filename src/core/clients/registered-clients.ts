import type { ClientRegistry } from '../ports/client-registry.ts'
import type { Observer } from '../ports/observer.ts'
import type { RegistrationPolicy } from './registration.ts'

/** Ids per log line, and the most lines; operators with more clients can query the table. */
const idsALine = 50
const maxLines = 20

/**
 * Logs at the start which clients the policy affects: those that can no longer log in, and ids that
 * an identity provider may also issue.
 */
export async function reportRegisteredClients(
  { mode, prefix }: RegistrationPolicy,
  { registry, log, hasProvider }: { registry: ClientRegistry; log: Observer['log']; hasProvider: boolean },
): Promise<void> {
  if (mode === 'off') {
    const clients = await registry.countClients()
    const text = 'registration is off (WARREN_REGISTRATION): registered clients get no tokens for their passwords'
    log(clients > 0 ? 'warn' : 'info', text, { clients })
  }
  if (!hasProvider || prefix === undefined) return
  const clients = await registry.countClients({ without: prefix })
  if (clients === 0) return
  const text =
    'registered ids without WARREN_REGISTRATION_PREFIX: if the identity provider issues such an id too, both are one client; delete those channels'
  let after = ''
  for (let line = 0; line < maxLines; line += 1) {
    const ids = await registry.findClientIds({ containing: '', behind: after, without: prefix, first: idsALine })
    if (ids.length > 0) log('warn', text, { clients, ids })
    if (ids.length < idsALine) return
    after = ids.at(-1) ?? ''
  }
}
