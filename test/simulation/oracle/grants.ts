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
  const bar = world.barred.find(
    ({ clientId, until, ...change }) =>
      clientId === client.clientId &&
      !(issuedAt && issuedAt.getTime() > until) &&
      // A ban ends when its end is written.
      (Number.isFinite(until) || world.database.bars.get(clientId)?.banned === true) &&
      isKnown(world, replica, change),
  )
  return bar && 'with a revoked token, or banned'
}

/** Whether a replica must know by now what another one has written to the registry. */
export function isKnown(world: World, { owner }: Replica, change: { since: number; owner: number }): boolean {
  const { now } = world.clock
  if (change.owner === owner) return now > change.since
  if (!world.database.isReachableFor(owner)) return false
  const readableSince = Math.max(change.since, world.reachableSince.get(owner) ?? 0)
  return now > readableSince + elsewhereMs + world.script.settings.registryMs * 4
}
