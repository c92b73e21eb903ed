import type { Identity } from '../../../src/core/model/identity.ts'
import type { Replica } from '../world/replica.ts'
import type { Subscriber } from '../world/subscriber.ts'
import type { World } from '../world/world.ts'

/**
 * How long another replica may take to learn of a revocation while it can read the registry: it
 * reads it every two seconds.
 */
const elsewhereMs = 3_000

/** Why this client must not receive anything on this connection; undefined if it may. */
export function mayReceive(
  world: World,
  client: Subscriber,
  replica: Replica,
  identity: Identity,
  toleranceMs: number,
): string | undefined {
  const { now } = world.clock
  const skew = world.skew.get(replica.owner) ?? 0
  const { expiresAt, issuedAt, scope } = identity
  if (!scope.channels.includes(client.channel)) return 'without a grant for the channel'
  const skewedSince = world.skewedSince.get(replica.owner) ?? 0
  const isExpired = expiresAt && expiresAt.getTime() + toleranceMs < now + skew
  if (isExpired && now > skewedSince + toleranceMs) return 'with an expired token'
  const revoked = world.revoked.get(client.clientId)
  if (!revoked || (issuedAt && issuedAt.getTime() > revoked.until)) return undefined
  const known =
    revoked.owner === replica.owner
      ? revoked.since
      : Math.max(revoked.since, world.reachableSince.get(replica.owner) ?? 0) +
        elsewhereMs +
        world.script.settings.registryMs * 4
  const canRead = revoked.owner === replica.owner || world.database.isReachableFor(replica.owner)
  return canRead && now > known ? 'with a revoked token' : undefined
}
