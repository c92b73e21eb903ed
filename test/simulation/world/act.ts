import { GatewayError } from '../../../src/errors.ts'
import {
  cancelConsumers,
  closeConnections,
  electLeader,
  freezeNode,
  isolateNode,
  setAlarm,
  startNode,
  stopNode,
  trim,
} from '../broker/faults.ts'
import { bodyOf, type Intent } from '../oracle/ground-truth.ts'
import { defaultExchange, journalName } from './replica.ts'
import type { Action } from './script.ts'
import type { World } from './world.ts'

/** How long a publisher waits for a gateway's answer, in milliseconds. */
const answerMs = 15_000

/** Performs one action of the script, now. */
export function act(world: World, action: Action): void {
  const { rabbit, database } = world
  if (action.kind !== 'publish') world.note(JSON.stringify(action))
  const client = 'client' in action ? world.clients[action.client] : undefined
  const node = 'node' in action ? rabbit.nodes[action.node] : undefined
  switch (action.kind) {
    case 'publish':
      return publish(world, action)
    case 'publish-unreadable':
      for (let left = action.count; left > 0; left -= 1)
        world.backEnd.publishUnreadable(defaultExchange, 'client.channel-0')
      return
    case 'client-cut':
      return client?.cut(action.halfOpen, action.awayMs)
    case 'client-stall':
      client?.stall()
      return lasts(world, action.forMs, () => client?.resumeReading())
    case 'client-rewind':
      return client?.rewind(action.share, action.invalid)
    case 'client-renew':
      return client?.renew(action.narrow)
    case 'revoke':
      return revoke(world, action)
    case 'source':
      return createSource(world, action)
    case 'replica-kill':
      world.killReplica(action.replica)
      return lasts(world, action.awayMs, () => world.startReplica(action.replica))
    case 'replica-restart':
      return restart(world, action)
    case 'partition': {
      const owner = world.replicas[action.replica]?.owner ?? 0
      return lasts(world, action.forMs, rabbit.partition(owner, action.up, action.down))
    }
    case 'registry-cut': {
      const owner = world.replicas[action.replica]?.owner ?? 0
      database.cut.add(owner)
      return lasts(world, action.forMs, () => {
        database.cut.delete(owner)
        world.reachableSince.set(owner, world.clock.now)
      })
    }
    case 'registry-away':
      database.isAway = true
      return lasts(world, action.forMs, () => {
        database.isAway = false
        for (const { owner } of world.replicas) world.reachableSince.set(owner, world.clock.now)
      })
    case 'node-stop':
      if (node) stopNode(rabbit, node, action.killed)
      return lasts(world, action.forMs, () => node && startNode(rabbit, node))
    case 'nodes-stop':
      for (const each of rabbit.nodes) stopNode(rabbit, each, true)
      return lasts(world, action.forMs, () => {
        for (const each of rabbit.nodes) startNode(rabbit, each)
      })
    case 'node-freeze':
      return lasts(world, action.forMs, node ? freezeNode(rabbit, node) : () => undefined)
    case 'node-isolate':
      return lasts(world, action.forMs, node ? isolateNode(rabbit, node) : () => undefined)
    case 'leader-change':
      return electLeader(rabbit, action.forMs)
    case 'alarm':
      setAlarm(rabbit, true)
      return lasts(world, action.forMs, () => setAlarm(rabbit, false))
    case 'connections-close':
      return closeConnections(rabbit, () => world.random.chance(action.share))
    case 'consumers-cancel':
      return cancelConsumers(rabbit, journalName)
    case 'confirms-slow':
      rabbit.confirmDelayMs = action.byMs
      return lasts(world, action.forMs, () => {
        rabbit.confirmDelayMs = 0
      })
    case 'trim':
      return trim(rabbit, journalName, action.segments)
    case 'journal-delete':
      return rabbit.deleteQueue(journalName)
    case 'clock-skew': {
      const owner = world.replicas[action.replica]?.owner ?? 0
      world.skew.set(owner, action.byMs)
      world.skewedSince.set(owner, world.clock.now)
      return lasts(world, world.script.lengthMs, () => {
        world.skew.delete(owner)
        world.skewedSince.set(owner, world.clock.now)
      })
    }
  }
}

/** Undoes a fault after `forMs`, or when all faults end. */
function lasts(world: World, forMs: number, undo: () => void): void {
  const once = (): void => {
    if (!world.faults.delete(once)) return
    world.note('undone')
    undo()
  }
  world.faults.add(once)
  world.at(forMs, once)
}

function publish(world: World, action: Extract<Action, { kind: 'publish' }>): void {
  const channel = `channel-${action.channel}`
  const extra = world.sources.indexOf('there')
  // A part of the messages comes through another source, once it exists.
  const viaSource = extra >= 0 && action.count % 3 === 0
  const exchange = viaSource ? exchangeOf(extra) : defaultExchange
  const routingKey = viaSource ? `of.${channel}` : `client.${channel}`
  const one = (): void => {
    if (world.isOver || world.isViolated) return
    const number = world.truth.intents.length
    const intent = world.truth.intend(channel, action.keyed ? `key-${number}` : undefined, false)
    if (action.by < 0) void world.backEnd.publish(exchange, routingKey, intent, action.bytes)
    else void publishThrough(world, action.by, { exchange, routingKey, intent, bytes: action.bytes })
  }
  for (let index = 0; index < action.count; index += 1) world.at(index * action.everyMs, one)
}

interface Letter {
  readonly exchange: string
  readonly routingKey: string
  readonly intent: Intent
  readonly bytes: number
}

/** The mutation `publish` on a replica, and with a key again on any replica until it resolves. */
async function publishThrough(world: World, index: number, letter: Letter): Promise<void> {
  const { intent } = letter
  for (let replica = world.replicas[index]; ; replica = world.pickReplica()) {
    const { gateway, owner = 0 } = replica ?? {}
    const isStored = gateway
      ? await new Promise<boolean>((resolve) => {
          const timer = world.at(answerMs, () => resolve(false))
          world.at(
            world.latency(),
            () => {
              const { exchange, routingKey } = letter
              const headers = intent.key === undefined ? {} : { headers: { 'x-warren-idempotency-key': intent.key } }
              const properties = { contentType: 'application/json', messageId: `message-${intent.number}`, ...headers }
              gateway.publish({ exchange, routingKey, body: bodyOf(intent.number, letter.bytes), properties }).then(
                (entry) => {
                  world.clock.clear(timer)
                  const offset = entry?.offset
                  const stored = world.truth.lives.some((life) => offset !== undefined && life.at(offset) === intent)
                  if (!stored) world.violated('publish resolves when it is stored', `${intent.number} at ${offset}`)
                  resolve(true)
                },
                (error: unknown) => {
                  world.clock.clear(timer)
                  if (!(error instanceof GatewayError)) world.violated('a known error', String(error))
                  resolve(false)
                },
              )
            },
            owner,
          )
        })
      : false
    if (isStored) intent.isConfirmed = true
    if (isStored || intent.key === undefined || world.isOver) return
    await world.wait(500)
  }
}

function revoke(world: World, { client, replica }: Extract<Action, { kind: 'revoke' }>): void {
  const { gateway, owner } = world.replicas[replica] ?? {}
  const { clientId } = world.clients[client] ?? {}
  if (!gateway || owner === undefined || clientId === undefined) return
  world.at(
    0,
    () => {
      gateway.revocations.revoke(clientId).then(
        () => {
          const until = gateway.revocations.of(clientId)?.getTime() ?? 0
          world.revoked.set(clientId, { until, since: world.clock.now, owner })
          world.note(`${clientId} is revoked`)
        },
        () => undefined,
      )
    },
    owner,
  )
}

function createSource(world: World, { replica, index }: Extract<Action, { kind: 'source' }>): void {
  const { gateway, owner } = world.replicas[replica] ?? {}
  if (!gateway || owner === undefined || world.sources[index] !== 'missing') return
  world.sources[index] = 'pending'
  const definition = {
    exchange: exchangeOf(index),
    exchangeType: 'TOPIC',
    routingKey: 'of.{clientId}',
    clientId: undefined,
  } as const
  world.at(
    0,
    () => {
      gateway.createSource(definition).then(
        () => {
          world.sources[index] = 'there'
        },
        () => {
          world.sources[index] = 'missing'
        },
      )
    },
    owner,
  )
}

function exchangeOf(index: number): string {
  return `orders-${index}`
}

function restart(world: World, { replica: index, overMs }: Extract<Action, { kind: 'replica-restart' }>): void {
  const replica = world.replicas[index]
  const { gateway } = replica ?? {}
  if (!replica || !gateway) return
  world.at(
    0,
    () => {
      void gateway
        .drain(overMs)
        .then(() => replica.close())
        .then(() => {
          world.ended.push(replica)
          world.at(100, () => world.startReplica(index))
        })
    },
    replica.owner,
  )
}
