import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { anonymous } from '../../../src/core/model/identity.ts'
import { eventually } from '../../support/eventually.ts'
import { type ChannelListener, listen, publish } from '../back-end/graphql-caller.ts'
import { openTwoReplicas, type TwoReplicas } from './two-replicas.ts'

let replicas: TwoReplicas
let onA: ChannelListener
let onB: ChannelListener
beforeAll(async () => {
  replicas = await openTwoReplicas('clients')
  const { a, b } = replicas
  onA = await listen(a.graphqlSocketUrl, await a.clientToken('erin'), { clientId: 'erin' })
  onB = await listen(b.graphqlSocketUrl, await b.clientToken('erin'), { clientId: 'erin' })
  await eventually('both subscriptions', () => a.gateway.hub.countOf('erin') + b.gateway.hub.countOf('erin') === 2)
})
afterAll(async () => {
  await onA[Symbol.asyncDispose]()
  await onB[Symbol.asyncDispose]()
  await replicas[Symbol.asyncDispose]()
})

const register = `mutation Register($input: CreateClientChannelInput!) { createClientChannel(input: $input) { token } }`
const page = `query Page($search: String, $after: String, $only: ClientFilter, $transport: String, $sort: ClientSort, $first: Int) {
  clients(search: $search, after: $after, only: $only, transport: $transport, sort: $sort, first: $first) {
    nodes { clientId name registered online banned slow sessions transports replicas offset lagMs delivered }
    endCursor hasMore unanswered counts { registered online leaving slow banned }
  }
}`

interface Page {
  readonly clients: {
    readonly nodes: readonly Record<string, unknown>[]
    readonly endCursor: string | null
    readonly hasMore: boolean
    readonly unanswered: readonly string[]
    readonly counts: Record<string, number>
  }
}

interface Session {
  readonly id: string
  readonly replica: string
}

const sessionsOf = `query Sessions($clientId: ID!) {
  sessions(clientId: $clientId) {
    unanswered banned
    sessions { id replica clientId transport address since scope queuedBytes delivered dropped slow subscriptionCount
      subscriptions { field topic since cursor offset lagMs pending queuedBytes delivered dropped slow } }
  }
}`

describe('the clients of a deployment', () => {
  test('are listed in pages, registered ones and those with a session, in one order', async () => {
    const { onB: call, observer } = replicas
    const ids = ['clara', 'Dora', 'erik', 'zoë', '🦔'].map((name, index) => `page-${name}-${index}`)
    for (const clientId of ids)
      await call(register, { input: { clientId, name: clientId, email: 'x@example.com', password: 'correct horse' } })
    const found: unknown[] = []
    let after: string | null = null
    do {
      const { clients }: Page = await observer<Page>(page, { search: 'PAGE-', first: 2, after })
      expect(clients.nodes.length).toBeLessThanOrEqual(2)
      found.push(...clients.nodes.map(({ clientId }) => clientId))
      after = clients.hasMore ? clients.endCursor : null
    } while (after !== null)
    expect(found).toEqual(ids.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))))
  })

  test('with sessions on two replicas are one client, and can be sorted and filtered', async () => {
    const { a, b, onA: call, observer } = replicas
    await call(publish, { input: { clientId: 'erin', data: { n: 1 } } })
    await Promise.all([onA.next(), onB.next()])
    const { clients } = await observer<Page>(page, { search: 'erin', only: 'ONLINE' })
    expect(clients).toMatchObject({ hasMore: false, unanswered: [], counts: { banned: 0 } })
    expect(clients.nodes).toEqual([
      expect.objectContaining({
        clientId: 'erin',
        registered: false,
        online: true,
        slow: false,
        sessions: 2,
        transports: ['graphql-ws'],
        replicas: expect.arrayContaining([a.gateway.replica, b.gateway.replica]),
        lagMs: 0,
        delivered: 2,
      }),
    ])
    const sorted = await observer<Page>(page, { sort: 'DELIVERED', first: 1 })
    expect(sorted.clients.nodes).toEqual([expect.objectContaining({ clientId: 'erin' })])
    const offline = await observer<Page>(page, { only: 'OFFLINE' })
    expect(offline.clients.nodes.map(({ clientId }) => clientId)).not.toContain('erin')
  })

  test('of a transport are found on all replicas, with the figures of their sessions over it', async () => {
    const { a, b, observer } = replicas
    const open = (gateway: typeof a.gateway, clientId: string, transport: 'sse' | 'tcp') =>
      gateway.openSession({
        identity: { ...anonymous, clientId },
        transport,
        address: '::1',
        onClose: () => undefined,
      })
    const sessions = [
      open(a.gateway, 'tess', 'sse'),
      open(b.gateway, 'tess', 'sse'),
      open(b.gateway, 'tess', 'tcp'),
      open(b.gateway, 'theo', 'sse'),
      open(b.gateway, 'tina', 'tcp'),
    ]
    for (const sort of ['CLIENT_ID', 'DELIVERED']) {
      const { clients } = await observer<Page>(page, { transport: 'sse', sort })
      expect(clients.nodes).toEqual([
        expect.objectContaining({ clientId: 'tess', sessions: 2, transports: ['sse'] }),
        expect.objectContaining({ clientId: 'theo', sessions: 1, replicas: [b.gateway.replica] }),
      ])
    }
    const { clients } = await observer<Page>(page, { transport: 'tcp', search: 'tess' })
    expect(clients.nodes).toEqual([expect.objectContaining({ clientId: 'tess', sessions: 1, transports: ['tcp'] })])
    await expect(observer(page, { transport: 'carrier-pigeon' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('transport: expected one of graphql-ws'),
    })
    await expect(observer(page, { transport: 'sse', only: 'OFFLINE' })).rejects.toMatchObject({
      message: expect.stringContaining('those clients have no session'),
    })
    // A client that has left before its replica reported it was never online for the others.
    await eventually('the presence of all', async () => {
      const { counts } = (await observer<Page>(page, { only: 'ONLINE' })).clients
      return counts['online'] === 4
    })
    for (const session of sessions) session.end('client')
    // Erin is there; the others left a moment ago, and count as online for the grace time.
    await eventually('three clients that left', async () => {
      const { counts } = (await observer<Page>(page, { only: 'ONLINE' })).clients
      return counts['leaving'] === 3 && counts['online'] === 4
    })
  })

  test('a page that is too large or an invalid cursor is refused by name', async () => {
    const { observer } = replicas
    await expect(observer(page, { first: 501 })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('first'),
    })
    await expect(observer(page, { sort: 'LAG', after: 'x' })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      message: expect.stringContaining('after'),
    })
  })
})

describe('the sessions of a client', () => {
  test('are found on all replicas, with what each subscription holds', async () => {
    const { a, b, observer } = replicas
    const { sessions } = await observer<{ sessions: { sessions: Session[]; unanswered: string[] } }>(sessionsOf, {
      clientId: 'erin',
    })
    expect(sessions.unanswered).toEqual([])
    expect(new Set(sessions.sessions.map(({ replica }) => replica))).toEqual(
      new Set([a.gateway.replica, b.gateway.replica]),
    )
    for (const session of sessions.sessions) {
      expect(session).toMatchObject({
        clientId: 'erin',
        transport: 'graphql-ws',
        address: expect.stringContaining('127.0.0.1'),
        slow: false,
        subscriptionCount: 1,
        subscriptions: [
          {
            field: 'channel',
            topic: 'erin',
            cursor: expect.any(String),
            offset: expect.any(Number),
            pending: 0,
            lagMs: 0,
          },
        ],
      })
    }
  })

  test('can be disconnected from another replica, and the client may come back', async () => {
    const { a, b, onA: call, observer } = replicas
    const { sessions } = await observer<{ sessions: { sessions: Session[] } }>(sessionsOf, { clientId: 'erin' })
    const onOther = sessions.sessions.find(({ replica }) => replica === b.gateway.replica)
    expect(
      await call('mutation End($id: ID!) { disconnect(session: $id, reason: "a test") }', { id: onOther?.id }),
    ).toEqual({
      disconnect: true,
    })
    expect((await onB.closed).code).toBe(1012)
    expect(await call('mutation End($id: ID!) { disconnect(session: $id) }', { id: onOther?.id })).toEqual({
      disconnect: false,
    })
    await using again = await listen(a.graphqlSocketUrl, await a.clientToken('erin'), { clientId: 'erin' })
    await eventually('the new session', () => a.gateway.hub.countOf('erin') === 2)
    await call(publish, { input: { clientId: 'erin', data: 'back' } })
    expect((await again.next()).data).toBe('back')
  })
})

describe('sessions that have ended', () => {
  test('are listed if they were cut off or dropped events, after their client has gone', async () => {
    const { b, onA: call, observer } = replicas
    const identity = { ...anonymous, clientId: 'mira' }
    const open = () => b.gateway.openSession({ identity, transport: 'sse', address: '::1', onClose: () => undefined })
    open().end('client')
    const session = open()
    const subscription = session.subscribe({ clientId: 'mira' })
    await eventually('the subscription', () => b.gateway.hub.countOf('mira') === 1)
    for (const n of [1, 2]) await call(publish, { input: { clientId: 'mira', data: { n } } })
    await eventually('two events that wait', () => subscription.queued.length === 2)
    const waiting = '{ replicas { name outbox { waitingSessions waitingClients } } }'
    const { replicas: reports } = await observer<{ replicas: { name: string }[] }>(waiting)
    expect(reports.find(({ name }) => name === b.gateway.replica)).toMatchObject({
      outbox: { waitingSessions: 1, waitingClients: ['mira'] },
    })
    session.close('SLOW_CONSUMER')
    // The transport ends the queue when the session has ended.
    await subscription.return()
    const ended = `query ($id: ID, $first: Int) { endedSessions(clientId: $id, first: $first) {
      unanswered sessions { id replica clientId transport address reason since endedAt delivered dropped } } }`
    const expected = {
      endedSessions: {
        unanswered: [],
        sessions: [
          {
            id: session.id,
            replica: b.gateway.replica,
            clientId: 'mira',
            transport: 'sse',
            address: '::1',
            reason: 'slow-consumer',
            since: expect.any(String),
            endedAt: expect.any(String),
            delivered: 0,
            dropped: 2,
          },
        ],
      },
    }
    expect(await observer(ended, { first: 1 })).toEqual(expected)
    b.gateway.endedSessions.settle(Date.now() + 60_000)
    expect(await observer(ended, { id: 'mira' })).toEqual(expected)
    expect(await observer(ended, { id: 'erin' })).toMatchObject({ endedSessions: { unanswered: [] } })
    await expect(observer(ended, { first: 501 })).rejects.toMatchObject({ code: 'BAD_USER_INPUT' })
  })
})
