import type { Gateway } from '../../../src/core/gateway.ts'
import type { Action } from './script.ts'
import type { World } from './world.ts'

/** How long an operator waits before the next attempt, in milliseconds. */
const retryMs = 2_000

export function revoke(world: World, { client, replica }: Extract<Action, { kind: 'revoke' }>): void {
  const { clientId = '' } = world.clients[client] ?? {}
  on(world, replica, (gateway, owner) => {
    gateway.revocations.revoke(clientId).then(
      () => {
        const until = gateway.revocations.of(clientId)?.getTime() ?? 0
        world.barred.push({ clientId, until, since: world.clock.now, owner })
        world.note(`${clientId} is revoked`)
      },
      () => undefined,
    )
  })
}

/** Returns a function that lifts the ban. */
export function ban(world: World, { client, replica }: Extract<Action, { kind: 'ban' }>): () => void {
  const { clientId = '' } = world.clients[client] ?? {}
  on(world, replica, (gateway, owner) => {
    gateway.bans.ban(clientId).then(
      () => {
        // Another action may have lifted it meanwhile.
        if (world.database.bars.get(clientId)?.banned !== true) return
        world.barred.push({ clientId, until: Number.POSITIVE_INFINITY, since: world.clock.now, owner })
        world.note(`${clientId} is banned`)
      },
      () => undefined,
    )
  })
  // A ban that was rejected may be in force. Its statement has ended before the first attempt.
  const lift = (): void => {
    if (world.isOver || isDone) return
    world.at(retryMs, lift)
    const index = world.replicas.findIndex(({ state }) => state === 'open')
    on(world, index, (gateway) => {
      gateway.bans.lift(clientId).then(
        () => {
          isDone = true
        },
        () => undefined,
      )
    })
  }
  let isDone = false
  return () => {
    world.barred = world.barred.filter((bar) => bar.clientId !== clientId || Number.isFinite(bar.until))
    world.at(1_000, lift)
  }
}

/** As the mutation: its next owner reads nothing from before. */
export function deleteChannel(world: World, action: Extract<Action, { kind: 'channel-delete' }>): void {
  const channel = `channel-${action.channel}`
  on(world, action.replica, (gateway, owner) => {
    const remove = async (): Promise<void> => {
      const place = await gateway.exactPosition()
      const next = place.before ? place.offset : place.offset + 1
      const origin = { channel, epoch: place.epoch, next, owner, since: Number.POSITIVE_INFINITY }
      world.truth.origins.push(origin)
      await gateway.bans.deleted(channel, place)
      origin.since = world.clock.now
      world.note(`${channel} is deleted at ${next}`)
      await gateway.endChannel(channel)
    }
    remove().catch(() => undefined)
  })
}

export function createSource(world: World, { replica, index }: Extract<Action, { kind: 'source' }>): void {
  const source = world.sources[index]
  if (source?.state !== 'missing' && source?.state !== 'unknown') return
  const { exchange, buffered } = source
  const definition = {
    exchange,
    exchangeType: 'TOPIC',
    routingKey: 'of.{clientId}',
    clientId: undefined,
    buffered,
  } as const
  on(world, replica, (gateway) => {
    source.state = 'pending'
    gateway.createSource(definition).then(
      ({ id }) => {
        source.id = id
        source.state = 'there'
        world.note(`source ${index} exists`)
      },
      () => {
        source.state = 'unknown'
      },
    )
  })
}

export function deleteSource(world: World, { replica, index }: Extract<Action, { kind: 'source-delete' }>): void {
  const source = world.sources[index]
  if (source?.state !== 'there' && source?.state !== 'unknown') return
  const { id } = source
  if (id === undefined) return
  on(world, replica, (gateway) => {
    source.state = 'pending'
    gateway.deleteSource(id).then(
      () => {
        source.state = 'missing'
        world.note(`source ${index} is deleted`)
      },
      () => {
        source.state = 'unknown'
      },
    )
  })
}

/** Calls a replica, if it is open. */
function on(world: World, index: number, call: (gateway: Gateway, owner: number) => void): void {
  const { gateway, owner } = world.replicas[index] ?? {}
  if (gateway && owner !== undefined) world.at(0, () => call(gateway, owner), owner)
}
