import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { anonymous, type Identity, noScope } from '../../src/core/model/identity.ts'
import { type SourceDefinition, sourceId } from '../../src/core/model/source.ts'
import { GatewayError } from '../../src/errors.ts'
import { controlledGateway, operator, passed } from './controlled-gateway.ts'

type World = Awaited<ReturnType<typeof controlledGateway>>
let world: World

beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] })
  world = await controlledGateway()
})
afterEach(async () => {
  await world.gateway.close()
  jest.useRealTimers()
})

const orders: SourceDefinition = {
  exchange: 'orders',
  exchangeType: 'TOPIC',
  routingKey: '#',
  clientId: { everyone: true },
}
const alice: Identity = { ...anonymous, clientId: 'alice', issuedAt: new Date(0) }
const of = (name: string) => world.events.filter((event) => (event as unknown[])[0] === name)
const warnings = () => world.lines.filter(([level]) => level === 'warn').map(([, text]) => text)

async function begun(): Promise<void> {
  await world.open()
  world.journal.begin()
  await passed()
  // The registry was read when the journal was, and others were asked.
  expect(world.sent.splice(0)).toEqual([{ kind: 'sources-wanted', replica: 'here' }])
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  let found: unknown
  promise.catch((error: unknown) => {
    found = [(error as GatewayError).code, (error as Error).message]
  })
  await passed(5_000)
  return found
}

describe('a gateway opens', () => {
  test('with the sources of the registry and its own default source', async () => {
    const stored = { ...orders, id: sourceId(orders), createdAt: new Date(), ownsExchange: false }
    world.registry.sources.set(stored.id, stored)
    await world.open()
    expect([...world.registry.sources.values()]).toContainEqual(
      expect.objectContaining({ exchange: 'warren.events', ownsExchange: true, id: expect.any(String) }),
    )
    expect(of('keep')).toEqual([
      ['keep', 'orders'],
      ['keep', 'warren.events'],
    ])
    expect(world.registry.calls.map(([name]) => name)).toEqual(
      expect.arrayContaining(['listRevocations', 'listClientBars']),
    )
    expect([world.gateway.up, of('bind'), of('state')]).toEqual([false, [], []])
  })

  test('only if the registry can be read', async () => {
    world.registry.failing = new Error('away')
    await expect(world.open()).rejects.toThrow('away')
    expect(() => world.journal.tail).toThrow()
  })

  test('and is up when its journal is current and its default source is bound', async () => {
    await begun()
    expect([world.gateway.up, of('bind'), of('state')]).toEqual([
      true,
      [['bind', 'warren.events']],
      [['state', { up: true }]],
    ])
    world.journal.tail.onDown('cut')
    expect([world.gateway.up, of('state').at(-1)]).toEqual([false, ['state', { up: false, reason: 'cut' }]])
    world.journal.tail.onUp()
    expect([world.gateway.up, of('state').length, of('bind').length]).toEqual([true, 3, 1])
  })

  test('and tries at each mark to bind its default source, and reports why it is not bound', async () => {
    world.broker.binding = () => Promise.reject(new Error('no such exchange'))
    await begun()
    expect([world.gateway.up, of('state')]).toEqual([false, [['state', { up: false, reason: 'no such exchange' }]]])
    world.journal.add()
    await passed()
    expect(of('bind')).toHaveLength(1)
    world.broker.binding = async () => ({ declared: true })
    await world.journal.mark()
    await passed()
    expect([world.gateway.up, of('state').at(-1), of('bind').length]).toEqual([true, ['state', { up: true }], 2])
    await world.journal.mark()
    await passed()
    expect(of('bind')).toHaveLength(2)
  })

  test('and reports nothing about a binding that ends after the journal went down', async () => {
    let fail: (error: Error) => void = () => {}
    world.broker.binding = () => new Promise((_resolve, reject) => (fail = reject))
    await begun()
    world.journal.tail.onDown('cut')
    await world.journal.mark()
    expect(of('bind')).toHaveLength(1)
    fail(new Error('late'))
    await passed()
    expect(of('state')).toEqual([['state', { up: false, reason: 'cut' }]])
    let bound: (result: { declared: boolean }) => void = () => {}
    world.broker.binding = () => new Promise((resolve) => (bound = resolve))
    world.journal.tail.onUp()
    world.journal.tail.onDown('again')
    bound({ declared: false })
    await passed()
    expect(of('state').at(-1)).toEqual(['state', { up: false, reason: 'again' }])
  })

  test('under a name for operators, and one for others', async () => {
    expect([world.gateway.replica, world.gateway.replicaAlias]).toEqual(['here', 'here'])
    const other = await controlledGateway({ replicaAlias: 'r1' })
    expect([other.gateway.replica, other.gateway.replicaAlias]).toEqual(['here', 'r1'])
    await other.gateway.close()
  })
})

describe('publishing', () => {
  test('names where the sources route a message', async () => {
    await begun()
    const body = Buffer.from('x')
    await world.gateway.publish({ routingKey: 'client.alice', body, properties: {} }, 'payer')
    await world.gateway.publish({ exchange: 'other', routingKey: 'k', body, properties: { type: 't' } })
    expect(world.published).toEqual([
      { exchange: undefined, routingKey: 'client.alice', body, properties: {}, payer: 'payer', into: 'journal' },
      { exchange: 'other', routingKey: 'k', body, properties: { type: 't' }, payer: undefined, into: undefined },
    ])
  })

  test('waits for the first connection, and is counted meanwhile', async () => {
    await world.open()
    const publishing = world.gateway.publish({ routingKey: 'k', body: Buffer.alloc(10), properties: {} })
    await passed()
    expect(world.gateway.bufferedBytes).toEqual({ window: 0, publications: 512 + 10 + 7 })
    world.journal.begin()
    await publishing
    world.journal.add()
    expect(world.gateway.bufferedBytes.publications).toBe(7)
    expect(world.gateway.bufferedBytes.window).toBeGreaterThan(0)
    const late = await controlledGateway()
    await late.open()
    const failing = late.gateway.publish({ routingKey: 'k', body: Buffer.alloc(1), properties: {} })
    expect(await failureOf(failing)).toEqual([
      'BROKER_UNAVAILABLE',
      'the journal cannot be reached: it is not connected yet',
    ])
    await late.gateway.close()
  })

  test('of a caller needs a grant; a source of another replica is looked for first', async () => {
    await begun()
    const publication = { exchange: 'orders', routingKey: 'k', body: Buffer.alloc(0), properties: {} }
    const publisher: Identity = { ...alice, scope: { ...noScope, publish: true } }
    await expect(world.gateway.publishAs(anonymous, publication)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    await expect(world.gateway.publishAs(publisher, publication)).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(world.journal.notes).toHaveLength(1)
    const source = { ...orders, id: sourceId(orders), createdAt: new Date(), ownsExchange: false }
    world.journal.marking = async () => {
      world.journal.marking = async () => {}
      world.journal.add({ mark: true, body: Buffer.from(JSON.stringify({ kind: 'source-created', source })) })
    }
    await world.gateway.publishAs(publisher, publication, 'payer')
    expect(world.published).toMatchObject([{ exchange: 'orders', payer: 'payer' }])
    const elsewhere = { ...publication, exchange: 'x' }
    await expect(world.gateway.publishAs(publisher, elsewhere)).rejects.toThrow('does not allow')
    world.journal.marking = () => Promise.reject(new Error('no'))
    await expect(world.gateway.publishAs(publisher, elsewhere)).rejects.toMatchObject({ code: 'BROKER_UNAVAILABLE' })
    world.journal.tail.onDown('cut')
    world.journal.notes.length = 0
    const waiting = failureOf(world.gateway.publishAs(publisher, elsewhere))
    expect(world.gateway.bufferedBytes.publications).toBe(512 + 7)
    expect(await waiting).toEqual(['BROKER_UNAVAILABLE', 'the journal cannot be reached: cut'])
    expect([world.journal.notes, world.gateway.bufferedBytes.publications]).toEqual([[], 7])
    const { exchange: _default, ...toDefault } = publication
    await world.gateway.publishAs(publisher, toDefault)
    expect(world.published).toHaveLength(2)
  })
})

describe('the position', () => {
  test('is after everything that the journal held; while the broker is away, the last known one', async () => {
    await begun()
    world.journal.add()
    const position = await world.gateway.position()
    expect([position.offset, world.journal.notes]).toEqual([1, [undefined]])
    world.journal.marking = () => Promise.reject(new Error('late'))
    expect((await world.gateway.position()).offset).toBe(1)
    world.journal.tail.onDown('cut')
    world.journal.notes.length = 0
    expect([(await world.gateway.position()).offset, world.journal.notes]).toEqual([1, []])
    expect(world.gateway.cursorOf(world.journal.entries[1] as never)).toMatchObject({ offset: 1, before: false })
  })

  test('is not known before the journal is', async () => {
    await world.open()
    expect(await failureOf(world.gateway.position())).toEqual([
      'BROKER_UNAVAILABLE',
      expect.stringContaining('not been reached'),
    ])
    const waiting = world.gateway.position()
    await passed(4_000)
    world.journal.begin()
    world.journal.add()
    expect((await waiting).offset).toBe(0)
  })

  test('that is exact waits for the journal, and is never an older one', async () => {
    await world.open()
    expect(await failureOf(world.gateway.exactPosition())).toEqual([
      'BROKER_UNAVAILABLE',
      'the journal cannot be reached: it is not connected yet',
    ])
    const waiting = world.gateway.exactPosition()
    world.journal.begin()
    expect((await waiting).offset).toBe(0)
    world.journal.marking = () => Promise.reject(new Error('late'))
    await expect(world.gateway.exactPosition()).rejects.toThrow('late')
    world.journal.tail.onDown('cut')
    expect(await failureOf(world.gateway.exactPosition())).toEqual([
      'BROKER_UNAVAILABLE',
      'the journal cannot be reached: cut',
    ])
  })
})

describe('sources', () => {
  test('are created and deleted through marks', async () => {
    await begun()
    const source = await world.gateway.createSource(orders)
    expect([world.gateway.sources.get(source.id), world.journal.notes]).toEqual([
      expect.objectContaining(orders),
      [{ kind: 'source-created', source }],
    ])
    expect(await world.gateway.deleteSource(source.id)).toBe(true)
    expect([world.gateway.sources.get(source.id), await world.gateway.deleteSource(source.id)]).toEqual([
      undefined,
      false,
    ])
    world.journal.add({ mark: true, body: Buffer.from('{"kind":"source-created","source":{}}') })
    expect(world.gateway.sources.list()).toHaveLength(1)
  })

  test('may not use what the gateway reserves in its namespace', async () => {
    await begun()
    for (const exchange of ['warren.control', 'warren.buffer.x'])
      await expect(world.gateway.createSource({ ...orders, exchange })).rejects.toMatchObject({
        code: 'SOURCE_CONFLICT',
      })
    for (const exchange of ['other.control', 'warren.mine'])
      expect((await world.gateway.createSource({ ...orders, exchange })).exchange).toBe(exchange)
  })

  test('need the journal: its own error while it is up, else that it cannot be reached', async () => {
    await begun()
    const error = new Error('late')
    world.journal.marking = () => Promise.reject(error)
    await expect(world.gateway.createSource(orders)).rejects.toBe(error)
    world.journal.tail.onDown('cut')
    await expect(world.gateway.createSource({ ...orders, exchange: 'b' })).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: 'the journal cannot be reached: cut',
      cause: error,
    })
  })

  test('that changed during an outage are stored when the journal is current', async () => {
    await begun()
    const source = { ...orders, id: sourceId(orders), createdAt: new Date(), ownsExchange: false }
    world.journal.tail.onDown('cut')
    world.journal.add({ mark: true, body: Buffer.from(JSON.stringify({ kind: 'source-created', source })) })
    await passed()
    expect(world.registry.sources.has(source.id)).toBe(false)
    world.journal.tail.onUp()
    await passed()
    expect(world.registry.sources.has(source.id)).toBe(true)
  })
})

describe('a control message', () => {
  const subscribe = (clientId: string) =>
    world.gateway
      .openSession({ identity: operator, transport: 'in-process', onClose: () => {} })
      .subscribe({ clientId })

  test('of a deleted channel ends its subscriptions, unless this replica has done it', async () => {
    await begun()
    const subscription = subscribe('alice')
    world.registry.calls.length = 0
    world.control.onMessage({ kind: 'client-deleted', clientId: 'alice', by: 'here' })
    await passed()
    expect([subscription.ended, world.registry.calls.map(([name]) => name)]).toEqual([false, ['listClientBars']])
    world.control.onMessage({ kind: 'client-deleted', clientId: 'alice', by: 'other' })
    await passed()
    expect([subscription.ended, world.registry.calls.length]).toEqual([true, 2])
  })

  test('is sent for a channel that is deleted here, whether it arrives or not', async () => {
    await begun()
    const subscription = subscribe('alice')
    world.control.sending = () => Promise.reject(new Error('away'))
    const at = new Date()
    await world.gateway.endChannel('alice', at)
    expect([subscription.ended, world.sent]).toEqual([
      true,
      [{ kind: 'client-deleted', clientId: 'alice', by: 'here', at: at.toISOString() }],
    ])
  })

  test('of a deletion that arrives late ends no subscription of the next owner of the id', async () => {
    await begun()
    const before = subscribe('alice')
    const at = new Date(before.beganAt).toISOString()
    jest.advanceTimersByTime(2)
    const after = subscribe('alice')
    world.control.onMessage({ kind: 'client-deleted', clientId: 'alice', by: 'other', at })
    await passed()
    expect([before.ended, after.ended]).toEqual([true, false])
  })

  test('of a ban or a revocation bars the tokens of the client', async () => {
    await begun()
    world.gateway.checkNotBarred(alice)
    expect(world.gateway.barredUntil('alice')).toBeUndefined()
    world.control.onMessage({ kind: 'client-revoked', clientId: 'alice', at: new Date(5_000).toISOString() })
    await passed()
    expect(() => world.gateway.checkNotBarred(alice)).toThrow('not valid')
    expect(world.gateway.barredUntil('alice')).toEqual(new Date(5_000))
    expect(() => world.gateway.openSession({ identity: alice, transport: 'in-process', onClose: () => {} })).toThrow(
      'not valid',
    )
    const bob = { ...alice, clientId: 'bob' }
    await world.registry.changeClientBar('bob', { banned: true, deletedAt: new Date(9_000) })
    world.gateway.checkNotBarred(bob)
    world.control.onMessage({ kind: 'client-barred', clientId: 'bob' })
    await passed()
    expect(() => world.gateway.checkNotBarred(bob)).toThrow('not valid')
    expect(world.gateway.barredUntil('bob')).toEqual(new Date(9_000))
    // A revocation after that is dated later.
    jest.setSystemTime(0)
    await world.gateway.revocations.revoke('bob')
    expect(world.gateway.barredUntil('bob')).toEqual(new Date(10_000))
    await world.gateway.bans.deleted('bob', await world.gateway.position())
    expect(world.gateway.barredUntil('bob')).toEqual(new Date(11_000))
  })

  test('of sources and traces is answered', async () => {
    await begun()
    world.control.onMessage({ kind: 'sources-wanted' })
    world.control.onMessage({ kind: 'trace-wanted', question: 'q', messageId: 'm' })
    const source = { ...orders, id: sourceId(orders), createdAt: new Date().toISOString(), ownsExchange: false }
    world.control.onMessage({ kind: 'source-known', source } as never)
    await passed()
    expect(world.sent.map(({ kind }) => kind).toSorted()).toEqual(['source-known', 'trace-known'])
    expect(world.gateway.sources.get(source.id)).toBeDefined()
  })

  test('that cannot be handled is logged', async () => {
    await begun()
    world.registry.failing = new Error('away')
    world.control.onMessage({ kind: 'sources-wanted' })
    world.control.onResync()
    await passed()
    expect(warnings()).toEqual(
      expect.arrayContaining([
        'handling a control message failed: away',
        'reading the registry again failed: away',
        'reading revocations failed: away',
        'reading bans and deletions failed: away',
      ]),
    )
  })

  test('that is not signed only makes the gateway read the registry, once a second at most', async () => {
    await begun()
    world.registry.calls.length = 0
    for (let count = 0; count < 5; count += 1) world.control.onUnsigned()
    await passed(500)
    const names = () => world.registry.calls.map(([name]) => name)
    expect([names().toSorted(), world.sent]).toEqual([['listClientBars', 'listRevocations', 'listSources'], []])
    await passed(500)
    expect(names().filter((name) => name === 'listSources')).toHaveLength(2)
    world.registry.failing = new Error('away')
    world.control.onUnsigned()
    await passed(1_000)
    expect(warnings()).toContain('reading the registry again failed: away')
  })

  test('was perhaps missed during an outage, or under another key: the registry is read, and others are asked', async () => {
    await begun()
    world.registry.calls.length = 0
    world.control.onResync()
    await passed()
    const read = ['listClientBars', 'listRevocations', 'listSources']
    expect([world.registry.calls.map(([name]) => name).toSorted(), world.sent]).toEqual([
      read,
      [{ kind: 'sources-wanted', replica: 'here' }],
    ])
    world.registry.calls.length = 0
    await world.keys.adopt({
      secret: Buffer.alloc(32),
      createdAt: new Date(),
      newCursorsFrom: new Date(),
    })
    await passed()
    expect(world.registry.calls.map(([name]) => name)).toEqual(expect.arrayContaining(read))
  })
})

test('a gateway that closes ends its sessions, and leaves no timer', async () => {
  await begun()
  const closed: string[] = []
  const session = world.gateway.openSession({
    identity: operator,
    transport: 'in-process',
    onClose: (reason) => closed.push(reason),
  })
  expect([world.gateway.sessions.size, world.gateway.connections === undefined]).toEqual([1, false])
  session.subscribe({ clientId: 'alice', after: 'invalid' })
  expect(world.gateway.catchingUp).toBe(1)
  world.control.onUnsigned()
  world.journal.add({ body: Buffer.from('{') })
  void world.gateway.close()
  await passed()
  expect([closed, world.gateway.sessions.size, jest.getTimerCount()]).toEqual([['RESTART'], 0, 0])
})

test('a gateway drains: its sessions end, and it opens none', async () => {
  await begun()
  const ended: string[] = []
  world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: (reason) => ended.push(reason) })
  const drained = world.gateway.drain(100)
  await passed(200)
  await drained
  expect(ended).toEqual(['RESTART'])
  expect(() => world.gateway.openSession({ identity: operator, transport: 'in-process', onClose: () => {} })).toThrow(
    'being shut down',
  )
})
