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
import { ban, createSource, deleteChannel, deleteSource, revoke } from './administer.ts'
import { publish } from './publish.ts'
import { defaultExchange, journalName } from './replica.ts'
import type { Action } from './script.ts'
import type { World } from './world.ts'

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
    case 'ban':
      return lasts(world, action.forMs, ban(world, action))
    case 'channel-delete':
      return deleteChannel(world, action)
    case 'source':
      return createSource(world, action)
    case 'source-delete':
      return deleteSource(world, action)
    case 'binding-lost':
      return rabbit.loseBindings(defaultExchange)
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
      for (let index = 0; index < action.times; index += 1)
        world.at(index * action.everyMs, () => world.isOver || rabbit.deleteQueue(journalName))
      return
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
