import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage } from '../../../src/core/cluster/cluster.ts'
import type { PresenceStore, StoredPresence } from '../../../src/core/ports/client-directory.ts'
import type { ControlBus, ControlMessage } from '../../../src/core/ports/control-bus.ts'
import { Presence } from '../../../src/core/presence/presence.ts'
import type { PresenceChange } from '../../../src/core/presence/presence-recorder.ts'

const graceMs = 10_000

/** Replicas on one control bus and one registry. What a killed one sends goes nowhere. */
class Deployment {
  readonly replicas = new Map<string, { cluster: Cluster; presence: Presence }>()
  readonly silent = new Set<string>()
  readonly published: string[] = []
  readonly rows = new Map<string, StoredPresence>()
  messages = 0

  start(replica: string): Presence {
    const control = { send: async (message: ControlMessage) => this.#send(replica, message) } as unknown as ControlBus
    const cluster = new Cluster({ replica, version: '1.0.0', control, log: () => {} })
    const store: PresenceStore = {
      savePresence: async (rows) => {
        for (const row of rows) this.rows.set(row.clientId, row)
      },
      findPresence: async (ids) => ids.flatMap((id) => this.rows.get(id) ?? []),
      listOnline: async () => [...this.rows.values()].filter(({ online }) => online),
    }
    const publish = async ({ clientId, online }: PresenceChange) => {
      if (!this.silent.has(replica)) this.published.push(`${online ? 'online' : 'offline'}.${clientId}`)
    }
    const presence = new Presence({ cluster, control, store, publish, graceMs: () => graceMs, logError: () => {} })
    this.replicas.set(replica, { cluster, presence })
    cluster.open()
    presence.open()
    return presence
  }

  /** Ends a replica without a word. */
  kill(replica: string): void {
    this.silent.add(replica)
    const killed = this.replicas.get(replica)
    this.replicas.delete(replica)
    killed?.cluster.close()
    void killed?.presence.close()
  }

  async stop(replica: string): Promise<void> {
    const ended = this.replicas.get(replica)
    ended?.cluster.close()
    this.replicas.delete(replica)
    await ended?.presence.close()
  }

  #send(from: string, message: ControlMessage): void {
    if (this.silent.has(from)) return
    this.messages += 1
    for (const [replica, { cluster }] of this.replicas)
      if (!this.silent.has(replica)) void cluster.onControl(message as ClusterMessage)
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

describe('a client', () => {
  test('is online on every replica with its first session, and offline a grace time after its last', async () => {
    const [a, b] = [deployment.start('a'), deployment.start('b')]
    await pass(2_000)
    a.joined('pia')
    await pass(500)
    b.joined('pia')
    a.left('pia')
    await pass(graceMs + 1_000)
    expect(b.isOnline('pia')).toBe(true)
    expect(deployment.published).toEqual(['online.pia'])
    b.left('pia')
    await pass(graceMs - 1_000)
    expect(a.isOnline('pia')).toBe(true)
    await pass(2_000)
    expect([a, b].map((presence) => presence.isOnline('pia'))).toEqual([false, false])
    expect(deployment.published).toEqual(['online.pia', 'offline.pia'])
    await pass(2_000)
    expect((await a.lastSeen(['pia', 'unknown'])).get('pia')).toBeInstanceOf(Date)
  })

  test('that comes back within the grace time never left', async () => {
    const [a, b] = [deployment.start('a'), deployment.start('b')]
    await pass(2_000)
    a.joined('pia')
    await pass(500)
    a.left('pia')
    await pass(graceMs - 2_000)
    b.joined('pia')
    await pass(3 * graceMs)
    expect(deployment.published).toEqual(['online.pia'])
  })

  test('changes at most once a second', async () => {
    const a = deployment.start('a')
    const changes: number[] = []
    a.listen(() => changes.push(Date.now()))
    await pass(2_000)
    for (let n = 0; n < 3; n += 1) {
      a.joined('pia')
      await pass(200)
      a.left('pia')
      await pass(graceMs + 100)
    }
    await pass(graceMs)
    for (const [index, at] of changes.entries())
      if (index > 0) expect(at - (changes[index - 1] as number)).toBeGreaterThanOrEqual(1_000)
  })
})

describe('the clients of a replica', () => {
  test('that was killed go offline after its lease and the grace time, each once', async () => {
    const [a, b, c] = [deployment.start('a'), deployment.start('b'), deployment.start('c')]
    await pass(2_000)
    for (const id of ['one', 'two', 'three']) b.joined(id)
    c.joined('two')
    await pass(500)
    deployment.published.length = 0
    deployment.kill('b')
    await pass(30_000)
    expect(deployment.published.toSorted()).toEqual(['offline.one', 'offline.three'])
    expect(['one', 'two', 'three'].map((id) => a.isOnline(id))).toEqual([false, true, false])
  })

  test('move in a rolling restart without a change', async () => {
    const ids = Array.from({ length: 2_500 }, (_, n) => `client-${n}`)
    let [from, to] = [deployment.start('a'), deployment.start('b')]
    await pass(2_000)
    for (const id of ids) from.joined(id)
    await pass(1_000)
    expect(deployment.published).toHaveLength(ids.length)
    for (const [ending, next] of [
      ['a', 'c'],
      ['b', 'd'],
    ] as const) {
      for (const id of ids) from.left(id)
      await deployment.stop(ending)
      await pass(2_000)
      for (const id of ids) to.joined(id)
      await pass(1_000)
      from = to
      to = deployment.start(next)
      await pass(2_000)
    }
    await pass(3 * graceMs)
    expect(deployment.published).toHaveLength(ids.length)
    expect(to.isOnline('client-2499')).toBe(true)
  })

  test('are known to a replica that starts, and to one that missed a message', async () => {
    const a = deployment.start('a')
    await pass(2_000)
    a.joined('one')
    await pass(500)
    const b = deployment.start('b')
    await pass(2_000)
    expect(b.isOnline('one')).toBe(true)
    deployment.silent.add('b')
    a.joined('two')
    await pass(500)
    deployment.silent.delete('b')
    a.joined('three')
    await pass(500)
    expect(['two', 'three'].map((id) => b.isOnline(id))).toEqual([true, true])
    expect(deployment.published).toEqual(['online.one', 'online.two', 'online.three'])
  })

  test('are offline after all replicas were killed and only one came back', async () => {
    deployment.start('a').joined('pia')
    await pass(5_000)
    deployment.kill('a')
    deployment.silent.delete('a')
    const again = deployment.start('a')
    await pass(2 * graceMs)
    expect(again.isOnline('pia')).toBe(false)
    expect(deployment.published).toEqual(['online.pia', 'offline.pia'])
  })
})
