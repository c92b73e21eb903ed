import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { Cluster, type ClusterMessage, type OfflineMessage } from '../../../src/core/cluster/cluster.ts'
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
  /** What replicas have sent to each other about notices. */
  readonly sent: OfflineMessage[] = []
  readonly lines: string[] = []
  /** After which offsets the end of the journal was read again. */
  readonly reads: number[] = []
  /** Called for each message of such a read. */
  onRead = (): void => {}
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
      this.reads.push(offset)
      for (const message of this.journal) {
        if (message.offset <= offset) continue
        this.onRead()
        if (!visit(message)) return
      }
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
    if (message.kind === 'offline-known') this.sent.push(message)
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
    expect(deployment.lines).toEqual([
      'WARREN_MAX_OFFLINE_CLIENTS clients got an offline notice: the oldest quiet periods end early',
      'WARREN_MAX_OFFLINE_CLIENTS clients wait for an offline notice: notices are dropped',
    ])
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
      throw new GatewayError('FORBIDDEN', 'no exchange')
    }
    deployment.message(['pia'])
    deployment.message(['quinn'])
    await pass(10_000)
    expect(hook.counts).toMatchObject({ notices: { confirmed: 0, failed: 2 }, waiting: 0 })
    expect(deployment.lines).toEqual(['publishing an offline notice failed: GatewayError: no exchange'])
  })
})

const ids = (count: number) => Array.from({ length: count }, (_, n) => `client-${n}`)

describe('what replicas send each other', () => {
  test('is for which clients notices were published, at most 500 in a message', async () => {
    await twoReplicas()
    deployment.sent.length = 0
    deployment.message(['pia', 'quinn'])
    await pass(1_000)
    const published = () => deployment.sent.flatMap((message) => message.published)
    expect(published()).toEqual([
      ['pia', 0],
      ['quinn', 0],
    ])
    expect(deployment.sent).toMatchObject([{ replica: 'a', ask: false, waiting: [] }])

    deployment.message(ids(700))
    await pass(8_000)
    expect(published()).toHaveLength(702)
    deployment.sent.length = 0
    deployment.start('c')
    await pass(1_000)
    const told = deployment.sent.filter(({ replica, published }) => replica === 'a' && published.length > 0)
    expect(told.map((message) => message.published.length)).toEqual([500, 202])
    const agoMs = told[0]?.published[0]?.[1] ?? 0
    expect(agoMs).toBeGreaterThan(8_000)
    expect(agoMs).toBeLessThan(11_000)
  })

  test('is asked by a replica that starts, of all; only the eldest sends what it knows', async () => {
    const [a] = await twoReplicas()
    deployment.publishing = () => new Promise(() => {})
    deployment.message(ids(2))
    await pass(1_000)
    expect(a.hook.counts.waiting).toBe(2)
    deployment.sent.length = 0
    const c = deployment.start('c')
    await pass(1_000)
    expect(deployment.sent.filter(({ ask }) => ask).map(({ replica }) => replica)).toEqual(['c'])
    expect(deployment.sent.filter(({ waiting }) => waiting.length > 0)).toMatchObject([
      { replica: 'a', waiting: [{ clientId: 'client-0', cursor: 'at 0' }, { clientId: 'client-1' }] },
    ])
    expect(deployment.sent.some(({ replica }) => replica === 'b')).toBe(true)
    expect(c.hook.counts).toMatchObject({ waiting: 2, quiet: 0 })
  })

  test('is not taken for a client that has a session here', async () => {
    const [, b] = await twoReplicas()
    deployment.publishing = () => new Promise(() => {})
    deployment.message(['pia', 'quinn', 'rita'])
    await pass(1_000)
    const c = deployment.start('c')
    c.presence.joined('pia')
    await pass(1_000)
    expect(c.hook.counts).toMatchObject({ waiting: 2, quiet: 0 })
    const message = { kind: 'offline-known', replica: 'a', startedAt: 0, ask: false, waiting: [] } as const
    await c.cluster.onControl({ ...message, published: [['pia', 0]] } as unknown as ClusterMessage)
    await c.cluster.onControl({ ...message, published: [['quinn', 0]] } as unknown as ClusterMessage)
    expect(c.hook.counts).toMatchObject({ waiting: 1, quiet: 1 })
    expect(b.hook.counts).toMatchObject({ waiting: 2, quiet: 0 })
  })
})

describe('notices that are published', () => {
  test('are at most 50 at the same time', async () => {
    deployment.start('a', { maxPerSecond: 1_000 })
    await pass(startMs)
    const open: (() => void)[] = []
    deployment.publishing = () => new Promise((resolve) => open.push(resolve))
    deployment.message(ids(120))
    await pass(2_000)
    expect(open).toHaveLength(50)
    for (const confirm of open.splice(0, 20)) confirm()
    await pass(1_000)
    expect(open).toHaveLength(50)
    expect(new Set(deployment.told).size).toBe(20)
  })

  test('for a client that comes back meanwhile begin no quiet period', async () => {
    const { hook, presence } = deployment.start('a')
    await pass(startMs)
    let confirm = (): void => {}
    deployment.publishing = () => new Promise((resolve) => (confirm = resolve))
    deployment.message(['pia'])
    await pass(1_000)
    presence.joined('pia')
    await pass(500)
    confirm()
    await pass(1_000)
    expect(hook.counts).toMatchObject({ notices: { confirmed: 1 }, waiting: 0, quiet: 0 })
  })

  test('are waited for by the end of the replica, for a second, and then announced to the others', async () => {
    const [a, b] = await twoReplicas()
    let confirm = (): void => {}
    deployment.publishing = () => new Promise((resolve) => (confirm = resolve))
    deployment.message(['pia'])
    await pass(1_000)
    let isClosed = false
    const closing = a.hook.close().then(() => (isClosed = true))
    await pass(500)
    expect(isClosed).toBe(false)
    confirm()
    await pass(10)
    await closing
    expect(b.hook.counts).toMatchObject({ waiting: 0, quiet: 1 })

    deployment.message(['quinn'])
    await pass(2_000)
    const late = b.hook.close().then(() => 'closed')
    await pass(1_100)
    expect(await late).toBe('closed')
  })

  test('pause for a second after the broker was away', async () => {
    deployment.start('a')
    await pass(startMs)
    const attempts: number[] = []
    deployment.publishing = async () => {
      attempts.push(Date.now())
      throw new GatewayError('BROKER_UNAVAILABLE', 'away')
    }
    deployment.message(['pia'])
    await pass(5_000)
    expect(attempts.length).toBeGreaterThanOrEqual(3)
    for (const [index, at] of attempts.entries())
      if (index > 0) expect(at - (attempts[index - 1] ?? 0)).toBeGreaterThanOrEqual(1_000)
    expect(attempts.length).toBeLessThanOrEqual(5)
  })

  test('fail again in the log after a minute', async () => {
    deployment.start('a', { quietMs: 10 })
    await pass(startMs)
    deployment.publishing = async () => {
      throw new Error('no exchange')
    }
    for (let second = 0; second < 70; second += 1) {
      deployment.message(['pia'])
      await pass(1_000)
    }
    expect(deployment.lines).toHaveLength(2)
  })
})

test('the rate that is left grows with the time, and not above one second of it', async () => {
  deployment.start('a', { maxPerSecond: 20 })
  await pass(startMs + 60_000)
  deployment.message(ids(200))
  await pass(300)
  expect(deployment.notices.length).toBeGreaterThanOrEqual(20)
  expect(deployment.notices.length).toBeLessThanOrEqual(30)
  await pass(2_000)
  expect(deployment.notices.length).toBeGreaterThanOrEqual(55)
  expect(deployment.notices.length).toBeLessThanOrEqual(70)
})

describe('when a replica was killed', () => {
  /** One message a second for these clients. The offset of the next one. */
  async function messages(seconds: number, clients: Audience): Promise<number> {
    for (let second = 0; second < seconds; second += 1) {
      deployment.message(clients)
      await pass(1_000)
    }
    return deployment.journal.length
  }

  test('what came before it fell silent is not for its clients, and what came later is', async () => {
    const [a, b] = await twoReplicas()
    for (const id of ['pia', 'quinn']) b.presence.joined(id)
    await pass(500)
    const before = await messages(30, ['pia', 'elsewhere'])
    deployment.kill('b')
    await pass(2_500)
    a.presence.joined('rita')
    deployment.message('everyone')
    deployment.message(['rita', 'pia'])
    await pass(graceMs + 10_000)
    const [told, ...others] = deployment.notices.filter(({ clientId }) => clientId !== 'elsewhere')
    // Its last announcement may have been under way: up to two seconds of messages are added.
    const offset = Number(told?.cursor.slice('at '.length))
    expect(offset).toBeGreaterThanOrEqual(before - 4)
    expect(offset).toBeLessThanOrEqual(before + 1)
    // quinn got no message.
    expect([told?.clientId, others]).toEqual(['pia', []])
    const [after, ...laterReads] = deployment.reads
    expect(laterReads).toEqual([])
    expect(after).toBeGreaterThanOrEqual(before - 5)
    expect(after).toBeLessThan(offset)
  })

  test('the journal is read from as far back as the replica may have been silent, however much there is', async () => {
    const [, b] = await twoReplicas()
    b.presence.joined('pia')
    await pass(500)
    await messages(5, ['pia'])
    deployment.kill('b')
    // Ten messages a second.
    for (let n = 0; n < 200; n += 1) {
      deployment.message(['pia'])
      await pass(100)
    }
    await pass(graceMs + 10_000)
    const [after = Number.NaN] = deployment.reads
    expect(after).toBeGreaterThanOrEqual(0)
    expect(after).toBeLessThanOrEqual(5)
    expect(deployment.told).toHaveLength(1)
  })

  test('it is read in slices of 20 ms, each message once', async () => {
    const [, b] = await twoReplicas()
    const clients = ids(30)
    for (const id of clients) b.presence.joined(id)
    await pass(500)
    deployment.message(['elsewhere'])
    await pass(1_000)
    deployment.kill('b')
    await pass(100)
    for (const id of clients) deployment.message([id])
    let now = 0
    jest.spyOn(performance, 'now').mockImplementation(() => now)
    let reads = 0
    deployment.onRead = () => {
      reads += 1
      now += 5
    }
    await pass(graceMs + 10_000)
    jest.restoreAllMocks()
    expect(deployment.reads.length).toBeGreaterThan(5)
    // The first message of the next slice ends the one before.
    expect(reads).toBeLessThan(clients.length + 2 + deployment.reads.length)
    expect(deployment.told.filter((told) => told.startsWith('client-')).toSorted()).toEqual(
      clients.map((id, n) => `${id} at ${n + 1}`).toSorted(),
    )
  })

  test('nothing is read again if it had no clients, or ended by itself', async () => {
    await twoReplicas()
    deployment.kill('b')
    await pass(20_000)
    expect(deployment.reads).toEqual([])
    const c = deployment.start('c')
    await pass(startMs)
    c.presence.joined('pia')
    await pass(500)
    await deployment.stop('c')
    await pass(20_000)
    expect(deployment.reads).toEqual([])
  })
})

describe('after messages between replicas may have been lost', () => {
  test('a replica asks the others, and publishes nothing until it knows', async () => {
    const [a, b] = await twoReplicas()
    b.hook.onMessage({ offset: 0, at: Date.now(), clients: ['pia'], describe: () => ({ ...place, source: 's' }) })
    expect(a.hook.counts.waiting).toBe(0)
    deployment.sent.length = 0
    a.cluster.onResync()
    await pass(100)
    expect(deployment.sent.filter(({ ask }) => ask).map(({ replica }) => replica)).toEqual(['a'])
    // From b, which is the eldest except a.
    expect(a.hook.counts.waiting).toBe(1)
    await pass(1_000)
    expect(deployment.notices).toEqual([])
    await pass(10_000)
    expect(deployment.told).toEqual(['pia at 0'])
  })

  test('a replica that is not open yet sends no question', async () => {
    const control = { send: async () => {} } as unknown as ControlBus
    const send = jest.spyOn(control, 'send')
    const cluster = new Cluster({ replica: 'x', version: '1.0.0', control, log: () => {} })
    const presence = { listenToReturns: () => {} } as unknown as OfflineHookParts['presence']
    const parts = { ...limits, cluster, control, presence, publish: async () => {}, log: () => {} }
    const hook = new OfflineHook(parts)
    cluster.onResync()
    const own = () => send.mock.calls.filter(([{ kind }]) => kind === 'offline-known')
    expect(own()).toEqual([])
    hook.open(() => {})
    expect(own()).toHaveLength(1)
    await hook.close()
  })
})

const place = { cursor: 'at 0', after: 'before 0', exchange: 'orders' }
