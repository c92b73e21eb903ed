import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage } from '../../../src/core/cluster/cluster.ts'
import type { Audience } from '../../../src/core/model/source.ts'
import type { Absence } from '../../../src/core/offline/absences.ts'
import { OfflineHook, type OfflineHookParts, type RoutedMessage } from '../../../src/core/offline/offline-hook.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'
import { Presence } from '../../../src/core/presence/presence.ts'
import { GatewayError } from '../../../src/errors.ts'

const graceMs = 10_000
const quietMs = 600_000
const limits = { graceMs, quietMs, maxClients: 1_000, maxPerSecond: 100 }

interface Replica {
  readonly cluster: Cluster
  readonly presence?: Presence
  readonly hook?: OfflineHook
}

/**
 * Replicas on one control bus and one journal. Nothing reaches a replica that is cut off. A killed
 * one neither sends nor publishes.
 */
class Deployment {
  readonly replicas = new Map<string, Replica>()
  readonly cutOff = new Set<string>()
  readonly journal: RoutedMessage[] = []
  readonly notices: Absence[] = []
  readonly lines: string[] = []
  publishing: (absence: Absence) => Promise<void> = async () => {}

  start(replica: string, given: Partial<OfflineHookParts> = {}): Required<Replica> {
    const control = { send: async (message: ControlMessage) => this.#send(replica, message) } as unknown as ControlBus
    const cluster = new Cluster({ replica, version: '1.0.0', control, log: () => {} })
    const presence = new Presence({
      cluster,
      control,
      store: { savePresence: async () => {}, findPresence: async () => [], listOnline: async () => [] },
      publish: async () => {},
      graceMs: () => graceMs,
      logError: () => {},
    })
    const hook = new OfflineHook({
      ...limits,
      cluster,
      control,
      presence,
      publish: async (absence) => {
        await this.publishing(absence)
        if (this.replicas.get(replica)?.hook === hook) this.notices.push(absence)
      },
      log: (text) => this.lines.push(text),
      ...given,
    })
    const started = { cluster, presence, hook }
    this.replicas.set(replica, started)
    cluster.open()
    presence.open()
    hook.open((offset, visit) => {
      for (const message of this.journal) if (message.offset > offset && !visit(message)) return
    })
    return started
  }

  /** A replica of an older release, or with `WARREN_OFFLINE=off`. */
  startWithoutHook(replica: string): void {
    const control = { send: async (message: ControlMessage) => this.#send(replica, message) } as unknown as ControlBus
    const cluster = new Cluster({ replica, version: '1.0.0', control, log: () => {} })
    this.replicas.set(replica, { cluster })
    cluster.open()
  }

  /** Every replica reads the message at once. */
  message(clients: Audience): void {
    const offset = this.journal.length
    const message = {
      offset,
      at: Date.now(),
      clients,
      describe: () => ({ cursor: `at ${offset}`, after: `before ${offset}`, source: 's', exchange: 'orders' }),
    }
    this.journal.push(message)
    for (const { hook } of this.replicas.values()) hook?.onMessage(message)
  }

  /** Ends a replica without an announcement. */
  kill(replica: string): void {
    const killed = this.replicas.get(replica)
    this.replicas.delete(replica)
    killed?.cluster.close()
    void killed?.presence?.close()
    void killed?.hook?.close()
  }

  /** Ends a replica as `Closing` does. */
  async stop(replica: string): Promise<void> {
    const ended = this.replicas.get(replica)
    await ended?.hook?.close()
    await ended?.presence?.close()
    ended?.cluster.close()
    this.replicas.delete(replica)
  }

  get told(): string[] {
    return this.notices.map(({ clientId, cursor }) => `${clientId} ${cursor}`)
  }

  #send(from: string, message: ControlMessage): void {
    if (!this.replicas.has(from) || this.cutOff.has(from)) return
    for (const [replica, { cluster }] of this.replicas)
      if (!this.cutOff.has(replica)) void cluster.onControl(message as ClusterMessage)
  }
}

let deployment: Deployment
beforeEach(() => {
  jest.useFakeTimers()
  deployment = new Deployment()
})
afterEach(() => {
  for (const replica of deployment.replicas.keys()) deployment.kill(replica)
  jest.useRealTimers()
})

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)
/** A start is over: notices are published. */
const startMs = 20_000

async function twoReplicas(): Promise<[Required<Replica>, Required<Replica>]> {
  const a = deployment.start('a')
  await pass(100)
  const b = deployment.start('b')
  await pass(startMs)
  return [a, b]
}

describe('a client without a session', () => {
  test('gets one notice a quiet period, with the place of its first message', async () => {
    await twoReplicas()
    deployment.message(['pia'])
    deployment.message(['pia', 'quinn'])
    await pass(1_000)
    expect(deployment.notices).toEqual([
      {
        clientId: 'pia',
        cursor: 'at 0',
        after: 'before 0',
        source: 's',
        exchange: 'orders',
        at: Date.now() - 1_000,
      },
      expect.objectContaining({ clientId: 'quinn', cursor: 'at 1' }),
    ])
    await pass(quietMs - 2_000)
    deployment.message(['pia'])
    await pass(2_000)
    expect(deployment.notices).toHaveLength(2)
    deployment.message(['pia'])
    await pass(1_000)
    expect(deployment.told).toEqual(['pia at 0', 'quinn at 1', 'pia at 3'])
  })

  test('gets another one if it came back meanwhile, on any replica', async () => {
    const [, b] = await twoReplicas()
    deployment.message(['pia'])
    await pass(1_000)
    b.presence.joined('pia')
    await pass(500)
    deployment.message(['pia'])
    b.presence.left('pia')
    await pass(graceMs + 2_000)
    expect(deployment.notices).toHaveLength(1)
    deployment.message(['pia'])
    await pass(1_000)
    expect(deployment.told).toEqual(['pia at 0', 'pia at 2'])
  })

  test('gets it after the grace time for what came within it, unless it comes back', async () => {
    const [a, b] = await twoReplicas()
    for (const id of ['pia', 'quinn']) a.presence.joined(id)
    await pass(500)
    for (const id of ['pia', 'quinn']) a.presence.left(id)
    await pass(1_000)
    deployment.message(['pia', 'quinn'])
    await pass(graceMs - 3_000)
    expect(deployment.notices).toEqual([])
    b.presence.joined('quinn')
    await pass(5_000)
    expect(deployment.told).toEqual(['pia at 0'])
  })

  test('gets none for a message to everyone', async () => {
    await twoReplicas()
    deployment.message('everyone')
    deployment.message(['pia'])
    await pass(1_000)
    expect(deployment.told).toEqual(['pia at 1'])
  })
})

test('a client with a session on another replica gets no notice', async () => {
  const [, b] = await twoReplicas()
  b.presence.joined('pia')
  await pass(500)
  deployment.message(['pia', 'quinn'])
  await pass(1_000)
  expect(deployment.told).toEqual(['quinn at 0'])
})

describe('the notices of a replica', () => {
  test('that was killed are published by the next, and none twice that it had announced', async () => {
    await twoReplicas()
    deployment.message(['pia'])
    await pass(1_000)
    deployment.kill('a')
    deployment.message(['pia', 'quinn'])
    await pass(4_000)
    expect(deployment.told).toEqual(['pia at 0'])
    await pass(4_000)
    expect(deployment.told).toEqual(['pia at 0', 'quinn at 1'])
  })

  test('include clients that the killed replica still seemed to have when the message came', async () => {
    const [a, b] = await twoReplicas()
    for (const id of ['pia', 'quinn', 'rita']) b.presence.joined(id)
    await pass(500)
    deployment.message(['pia'])
    await pass(10_000)
    deployment.kill('b')
    await pass(1_000)
    deployment.message(['quinn', 'rita', 'sue'])
    await pass(1_000)
    a.presence.joined('rita')
    await pass(graceMs + 10_000)
    expect(deployment.told.toSorted()).toEqual(['quinn at 1', 'sue at 1'])
  })

  test('survive a rolling restart: no client gets a second one', async () => {
    await twoReplicas()
    const clients = Array.from({ length: 40 }, (_, n) => `client-${n}`)
    deployment.message(clients)
    await pass(2_000)
    expect(deployment.notices).toHaveLength(40)
    for (const [ending, next] of [
      ['a', 'c'],
      ['b', 'd'],
    ] as const) {
      await deployment.stop(ending)
      deployment.start(next)
      await pass(startMs)
      deployment.message(clients)
      await pass(2_000)
    }
    expect(deployment.notices).toHaveLength(40)
    deployment.message(['pia'])
    await pass(1_000)
    expect(deployment.told.at(-1)).toBe('pia at 3')
  })

  test('are published by the eldest that publishes notices', async () => {
    deployment.startWithoutHook('a')
    await pass(5_000)
    deployment.start('b')
    await pass(startMs)
    deployment.start('c')
    await pass(startMs)
    deployment.message(['pia'])
    await pass(1_000)
    expect(deployment.told).toEqual(['pia at 0'])
  })
})

describe('nothing is published', () => {
  test('while clients of the last replicas may still reconnect after a start', async () => {
    const { presence } = deployment.start('a')
    await pass(1_500)
    deployment.message(['pia', 'quinn'])
    await pass(graceMs - 2_000)
    presence.joined('pia')
    await pass(startMs)
    expect(deployment.told).toEqual(['quinn at 0'])
  })

  test('by a replica that receives no control messages, until it knows the others again', async () => {
    const [, b] = await twoReplicas()
    b.presence.joined('pia')
    await pass(500)
    for (const replica of ['a', 'b']) deployment.cutOff.add(replica)
    await pass(40_000)
    deployment.message(['pia', 'quinn'])
    await pass(5_000)
    expect(deployment.notices).toEqual([])
    deployment.cutOff.clear()
    for (const { cluster } of deployment.replicas.values()) cluster.onResync()
    await pass(10_000)
    expect(deployment.told).toEqual(['quinn at 0'])
  })
})

describe('a bound', () => {
  test('of notices a second lets the others wait, and is counted and logged once', async () => {
    const { hook } = deployment.start('a', { maxPerSecond: 10 })
    await pass(startMs)
    deployment.message(Array.from({ length: 30 }, (_, n) => `client-${n}`))
    await pass(1_000)
    expect(deployment.notices.length).toBeGreaterThanOrEqual(10)
    expect(deployment.notices.length).toBeLessThanOrEqual(20)
    expect(hook.counts.bounds.rate).toBeGreaterThan(0)
    await pass(3_000)
    expect(new Set(deployment.told).size).toBe(30)
    expect(deployment.notices).toHaveLength(30)
    expect(deployment.lines).toEqual([expect.stringContaining('WARREN_MAX_OFFLINE_RATE')])
  })

  test('of clients ends the oldest quiet period, and drops a notice only if all others wait', async () => {
    const { hook } = deployment.start('a', { maxClients: 3 })
    await pass(startMs)
    deployment.message(['one', 'two', 'three'])
    await pass(1_000)
    deployment.message(['four'])
    await pass(1_000)
    deployment.message(['one', 'three'])
    await pass(1_000)
    expect(deployment.notices.map(({ clientId }) => clientId)).toEqual(['one', 'two', 'three', 'four', 'one'])
    deployment.message(['five', 'six', 'seven', 'eight'])
    expect(hook.counts).toMatchObject({ bounds: { evicted: 5, dropped: 1 }, waiting: 3, quiet: 0 })
    expect(deployment.lines).toHaveLength(2)
  })
})

describe('while the broker', () => {
  test('is away, a notice waits', async () => {
    const { hook } = deployment.start('a')
    await pass(startMs)
    deployment.publishing = async () => {
      throw new GatewayError('BROKER_UNAVAILABLE', 'away')
    }
    deployment.message(['pia'])
    await pass(10_000)
    expect(hook.counts).toMatchObject({ notices: { confirmed: 0, failed: 0 }, waiting: 1 })
    deployment.publishing = async () => {}
    await pass(2_000)
    expect(deployment.told).toEqual(['pia at 0'])
  })

  test('refuses a notice, it is counted and not repeated', async () => {
    const { hook } = deployment.start('a')
    await pass(startMs)
    deployment.publishing = async () => {
      throw new Error('no exchange')
    }
    deployment.message(['pia'])
    deployment.message(['quinn'])
    await pass(10_000)
    expect(hook.counts).toMatchObject({ notices: { confirmed: 0, failed: 2 }, waiting: 0 })
    expect(deployment.lines).toEqual(['publishing an offline notice failed: Error: no exchange'])
  })
})
