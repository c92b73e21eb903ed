import type { Replica } from '../world/replica.ts'
import type { World } from '../world/world.ts'
import { unsettledQuarantine } from './quarantine.ts'

/**
 * After the faults, everything must work again. Returns what does not yet; with `quiet` false, that
 * is a violation.
 */
export function checkSettled(world: World, quiet = false): string | undefined {
  const why = unsettled(world)
  if (why && !quiet) world.violated('everything settles', why)
  return why
}

function unsettled(world: World): string | undefined {
  for (const replica of world.replicas) {
    const { gateway } = replica
    if (!gateway?.up) return `replica ${replica.owner} is not up (${replica.state})`
    if (gateway.catchingUp > 0) return `replica ${replica.owner} has ${gateway.catchingUp} subscriptions behind`
  }
  for (const { key, isConfirmed, isOptional, number } of world.truth.intents) {
    if (key !== undefined && !isConfirmed && !isOptional) return `message ${number} was never accepted`
  }
  for (const { isConfirmed, isOptional, number } of world.truth.intents) {
    if (isConfirmed && !isOptional && !world.truth.lives.some((life) => life.has(number)))
      return `message ${number} is not stored`
  }
  const why = unsettledSource(world) ?? unsettledQuarantine(world)
  if (why !== undefined) return why
  for (const client of world.clients) {
    // Another device of the same client has its position.
    if (client.isEvicted && world.clients.some((other) => other.isDeviceOf(client) && other.isConnected)) continue
    if (!client.isConnected) return `${client.clientId} is not connected`
    const [other] = world.clients.filter((one) => one !== client && one.isDeviceOf(client) && one.isConnected)
    if (other) return `two devices of ${client.clientId} have its position`
    const missing = client.account.missing()
    if (missing !== undefined) return `${client.clientId}: ${missing}`
  }
  return undefined
}

/** All replicas serve the same sources: those that exist, and none that was deleted. */
function unsettledSource(world: World): string | undefined {
  for (const { id, state, exchange } of world.sources) {
    if (id === undefined || state === 'pending') continue
    const serving = world.replicas.filter(({ gateway }) => gateway?.sources.get(id) !== undefined)
    const names = serving.map(({ owner }) => owner).join(', ')
    const isSaved = world.database.sources.has(id)
    if (state === 'missing' && (serving.length > 0 || isSaved))
      return `source ${exchange} was deleted, and replicas [${names}] serve it (registry: ${isSaved})`
    if (state === 'there' && (serving.length < world.replicas.length || !isSaved))
      return `source ${exchange} exists, and only replicas [${names}] serve it (registry: ${isSaved})`
    if (state === 'unknown' && serving.length > 0 && serving.length < world.replicas.length)
      return `only replicas [${names}] serve source ${exchange}`
  }
  return undefined
}

/** A closed replica leaves nothing behind. */
export function checkLeftBehind(world: World, replica: Replica): void {
  if (replica.state !== 'closed') {
    if (replica.state !== 'killed') world.violated('a replica closes', `replica ${replica.owner} is ${replica.state}`)
    return
  }
  const { gateway, broker } = replica.parts
  const timers = world.clock.timersOf(replica.owner)
  const left = {
    timers: timers.length,
    connections: [...world.rabbit.connections].filter(({ owner }) => owner === replica.owner).length,
    subscribers: gateway?.hub.size ?? 0,
    sessions: gateway?.sessions.size ?? 0,
    replays: gateway?.catchingUp ?? 0,
    positions: gateway?.positions.counts.held ?? 0,
    pending: replica.counter.pending,
    publications: broker?.unansweredBytes ?? 0,
    failures: replica.failures,
  }
  const found = Object.entries(left).filter(([, count]) => count !== 0)
  if (found.length > 0) {
    const what = found.map(([name, count]) => `${count} ${name}`).join(', ')
    const origins = timers.map(({ origin }) => origin ?? '').join('\n')
    world.violated('nothing is left behind', `replica ${replica.owner}: ${what} ${origins}`)
  }
}
