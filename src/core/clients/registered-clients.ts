import type { ClientRegistry } from '../ports/client-registry.ts'
import type { Observer } from '../ports/observer.ts'
import type { RegistrationPolicy } from './registration.ts'

/**
 * Ids in one line of the log, and lines at most: whoever has more clients than that looks into the
 * table.
 */
const idsALine = 50
const maxLines = 20

/**
 * Says at the start whom the policy affects: clients that can log in no more, and ids that an
 * identity provider may issue too.
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
    'registered ids without WARREN_REGISTRATION_PREFIX: where the identity provider issues such an id too, both are one client; delete those channels'
  let behind = ''
  for (let line = 0; line < maxLines; line += 1) {
    const ids = await registry.findClientIds({ containing: '', behind, without: prefix, first: idsALine })
    if (ids.length > 0) log('warn', text, { clients, ids })
    if (ids.length < idsALine) return
    behind = ids.at(-1) ?? ''
  }
}
