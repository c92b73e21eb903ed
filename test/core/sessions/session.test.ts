import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { ChannelSubscription } from '../../../src/core/delivery/channel-subscription.ts'
import { anonymous, anyListener, type Identity, noScope } from '../../../src/core/model/identity.ts'
import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'
import type { Session } from '../../../src/core/sessions/session.ts'
import type { Sessions } from '../../../src/core/sessions/sessions.ts'
import {
  alice,
  bob,
  endsOf,
  ObservedSessions,
  type Opening,
  operator,
  position,
  startedAt,
} from './observed-sessions.ts'

let world: ObservedSessions
let observed: unknown[][]
let logged: ObservedSessions['logged']
let limits: ObservedSessions['limits']
let resumed: ChannelSubscription[]
let stopped: ChannelSubscription[]
let sessions: Sessions
let closed: unknown[]

beforeEach(() => {
  world = new ObservedSessions()
  ;({ observed, logged, limits, resumed, stopped, sessions, closed } = world)
})
afterEach(() => world.close())

function open(identity = alice, given: Opening = {}): Session {
  return world.open(identity, given)
}

describe('a session opens', () => {
  test('within the limits of all, of an address and of a client, and releases its place', () => {
    const first = open()
    open()
    expect(() => open()).toThrow('connections of one client')
    open(anonymous, { address: '192.0.2.1' })
    open(anonymous, { address: '192.0.2.1' })
    expect(() => open(bob)).toThrow('at most 4 connections')
    expect(sessions.all.size).toBe(4)
    first.end('client')
    expect(() => open(anonymous, { address: '192.0.2.1' })).toThrow('from one address')
    open(bob)
    expect([...sessions.all].map(({ payer }) => payer)).toEqual([
      'client alice',
      'address 192.0.2.1',
      'address 192.0.2.1',
      'client bob',
    ])
  })

  test('in place of its socket, which counts again if there is no room', () => {
    const socket = sessions.connections.accept('192.0.2.1')
    const detached: string[] = []
    const attach = socket.attachSession.bind(socket)
    socket.attachSession = () => {
      const detach = attach()
      return () => {
        detached.push('detached')
        detach()
      }
    }
    const session = open(alice, { on: socket })
    session.end('client')
    session.end('client')
    expect(detached).toHaveLength(1)
    open()
    open()
    expect(() => open(alice, { on: socket })).toThrow('of one client')
    expect(detached).toHaveLength(2)
  })

  test('unless its token is barred, or the replica is draining', async () => {
    world.check = () => {
      throw new Error('barred')
    }
    expect(() => open()).toThrow('barred')
    world.check = () => {}
    const draining = sessions.drain(1_000)
    expect(() => open()).toThrow(expect.objectContaining({ code: 'DRAINING' }))
    await draining
    expect(logged.map(([level, text]) => [level, text.slice(0, 8)])).toEqual([
      ['info', 'draining'],
      ['info', 'drained'],
    ])
    expect(logged[1]?.[2]).toEqual({ sessions: 0, seconds: 0 })
  })

  test('and ends once, for a reason', () => {
    const session = open(alice, { address: '192.0.2.1' })
    session.subscribe({ clientId: 'alice' })
    jest.advanceTimersByTime(1_500)
    session.close('RESTART')
    session.close('NORMAL')
    session.end('client')
    expect([closed, session.ended, sessions.all.size]).toEqual([['RESTART'], true, 0])
    expect(observed).toEqual([
      ['started', 'tcp'],
      ['subscribed', 'tcp'],
      ['unsubscribed', 'tcp'],
      ['ended', 'tcp', 'restart'],
    ])
    expect(logged).toEqual([
      [
        'info',
        'a session ended',
        { reason: 'restart', transport: 'tcp', client: 'alice', address: '192.0.2.1', subscriptions: 1, seconds: 1.5 },
      ],
    ])
    expect(() => session.subscribe({ clientId: 'alice' })).toThrow('this session has ended')
    expect(() => session.renew(alice)).toThrow('this session has ended')
    expect(() => session.become(bob)).toThrow('this session has ended')
  })

  test('and ends although its transport throws', () => {
    const session = open(anonymous, {
      onClose: () => {
        throw new TypeError('odd')
      },
    })
    session.close('NORMAL')
    expect([session.ended, observed.at(-2), observed.at(-1)]).toEqual([
      true,
      ['failed', 'tcp'],
      ['ended', 'tcp', 'client'],
    ])
    expect(logged[0]?.[2]).toEqual({ transport: 'tcp', address: '', error: expect.stringMatching(/^TypeError: odd\n/) })
    expect(logged[1]?.[2]).not.toHaveProperty('client')
  })
})

describe('a session subscribes', () => {
  test('from now on, after a cursor, or after one that is invalid', () => {
    const session = open()
    const all = [undefined, null, 'valid', 'odd'].map((after) => {
      if (session.subscriptions === 3) resumed[0]?.end()
      return session.subscribe({ clientId: 'alice', ...(after === undefined ? {} : { after }) })
    })
    expect(all.map((subscription) => subscription.position)).toEqual([undefined, undefined, position, 'invalid'])
    expect([resumed, stopped]).toEqual([all, [all[0]]])
    expect(all.map(({ checkpoints }) => checkpoints)).toEqual([false, false, false, false])
    all[1]?.end()
    expect(session.subscribe({ clientId: 'alice', checkpoints: true }).checkpoints).toBe(true)
  })

  test('to channels that it may, and to a limited number', () => {
    const session = open()
    expect(() => session.subscribe({ clientId: 'bob' })).toThrow('subscribe to channel "bob"')
    expect(() => session.subscribe({ clientId: '' })).toThrow('non-empty')
    let ended = 0
    const first = session.subscribe({ clientId: 'alice' }, () => (ended += 1))
    session.subscribe({ clientId: 'alice' })
    session.subscribe({ clientId: 'bob', as: bob })
    expect(() => session.subscribe({ clientId: 'alice' })).toThrow(
      expect.objectContaining({ limit: 'WARREN_MAX_SUBSCRIPTIONS' }),
    )
    first.end()
    first.end()
    expect([session.subscriptions, ended, observed.filter(([name]) => name === 'unsubscribed').length]).toEqual([
      2, 1, 1,
    ])
    session.subscribe({ clientId: 'alice' })
    const other = open()
    other.subscribe({ clientId: 'alice' })
    other.subscribe({ clientId: 'alice' })
    // Four of the client alice over all sessions, three of them here or there.
    expect(() => other.subscribe({ clientId: 'alice' })).toThrow('subscriptions of one client')
    other.subscribe({ clientId: 'bob', as: bob })
  })

  test('with a policy that the operator allows', () => {
    limits.overflow = ['CONFLATE', 'END']
    const session = open()
    const policy = (overflow?: OverflowPolicy | null) => {
      const subscription = session.subscribe({ clientId: 'alice', ...(overflow === undefined ? {} : { overflow }) })
      subscription.end()
    }
    policy()
    policy(null)
    policy('END')
    expect(() => policy('CATCH_UP')).toThrow(
      'expected CONFLATE or END, got CATCH_UP, which the operator does not allow',
    )
    expect(() => policy('ODD' as OverflowPolicy)).toThrow('expected CONFLATE or END, got "ODD"')
    expect(session.subscriptions).toBe(0)
  })

  test('and starts two operations a second at most', () => {
    const session = open()
    const admitted = () => {
      session.admit()
      return true
    }
    expect([admitted(), admitted()]).toEqual([true, true])
    expect(admitted).toThrow(expect.objectContaining({ limit: 'WARREN_MAX_SUBSCRIBE_RATE' }))
    jest.advanceTimersByTime(999)
    expect(admitted).toThrow('at most 2 operations a second')
    jest.advanceTimersByTime(1)
    expect([admitted(), admitted()]).toEqual([true, true])
    expect(admitted).toThrow()
  })

  test('and is busy with an operation until its answer', async () => {
    const session = open()
    expect([session.during('now'), session.busy]).toEqual(['now', false])
    let answer: (value: unknown) => void = () => {}
    let refuse: (error: Error) => void = () => {}
    const works = [
      new Promise((resolve) => (answer = resolve)),
      new Promise((_resolve, reject) => (refuse = reject)),
    ].map((work) => session.during(work))
    answer('done')
    expect(await works[0]).toBe('done')
    await jest.advanceTimersByTimeAsync(0)
    expect(session.busy).toBe(true)
    refuse(new Error('refused'))
    await expect(works[1]).rejects.toThrow('refused')
    await jest.advanceTimersByTimeAsync(0)
    expect([session.busy, session.bufferedBytes]).toEqual([false, 0])
  })

  test('and counts a delivery that failed', () => {
    const session = open(alice, { address: 'here' })
    session.failed('odd', 'alice')
    expect(observed.at(-1)).toEqual(['failed', 'tcp'])
    const details = { transport: 'tcp', channel: 'alice', address: 'here', error: 'odd' }
    expect(logged.map(([level, , given]) => [level, given])).toEqual([['error', details]])
  })
})

describe('a new token', () => {
  const scoped = (...channels: string[]): Identity => ({ ...alice, scope: { ...noScope, channels } })

  test('of the same client renews a session, and ends what it no longer allows', async () => {
    const session = open(scoped('team', 'news'))
    const [team, news] = [session.subscribe({ clientId: 'team' }), session.subscribe({ clientId: 'news' })]
    const own = session.subscribe({ clientId: 'bob', as: bob })
    session.renew(scoped('news'))
    expect(await endsOf(team, news, own)).toEqual(['FORBIDDEN', undefined, undefined])
    expect(() => session.renew(bob)).toThrow('another client')
    expect(session.identity).toEqual(scoped('news'))
  })

  test('is the first of a session without an identity', () => {
    for (const identity of [anonymous, anyListener]) {
      const session = open(identity, { address: '192.0.2.1' })
      session.renew(bob)
      expect(session.payer).toBe('client bob')
      session.end('client')
    }
  })

  test('of another client is for sessions in which clients log in and out, within the limits', () => {
    open(bob)
    open(bob)
    const session = open()
    expect(() => session.become(bob)).toThrow('connections of one client')
    expect(session.identity).toBe(alice)
    session.become(operator)
    expect(session.identity).toBe(operator)
  })
})

describe('sessions end', () => {
  const expiring: Identity = { ...alice, expiresAt: new Date(startedAt + 2_500) }

  test('with their token, and subscriptions with their own', async () => {
    const session = open()
    const [own, borrowed] = [
      session.subscribe({ clientId: 'alice' }),
      session.subscribe({ clientId: 'alice', as: expiring }),
    ]
    open(expiring)
    jest.advanceTimersByTime(2_000)
    expect([closed, await endsOf(own, borrowed)]).toEqual([[], [undefined, undefined]])
    jest.advanceTimersByTime(1_000)
    expect([closed, await endsOf(own, borrowed)]).toEqual([['TOKEN_EXPIRED'], [undefined, 'UNAUTHENTICATED']])
  })

  test('if they are idle and without an identity', () => {
    const started = [
      open(anonymous, { address: '192.0.2.1' }),
      open(anonymous, { transport: 'in-process' }),
      open(alice),
    ]
    jest.advanceTimersByTime(5_000)
    expect(closed).toEqual([])
    jest.advanceTimersByTime(1_000)
    expect([closed, started.map(({ ended }) => ended)]).toEqual([['IDLE'], [true, false, false]])
  })

  test('but not while they work, subscribe or are in the room; afterwards the time starts again', async () => {
    const working = open(anyListener)
    let answer: () => void = () => {}
    void working.during(new Promise<void>((resolve) => (answer = resolve)))
    const subscribed = open(anyListener)
    const subscription = subscribed.subscribe({ clientId: 'any' })
    const inRoom = open(anyListener)
    inRoom.joinRoom()
    await jest.advanceTimersByTimeAsync(20_000)
    expect(closed).toEqual([])
    answer()
    subscription.end()
    await jest.advanceTimersByTimeAsync(3_000)
    const again = subscribed.subscribe({ clientId: 'any' })
    await jest.advanceTimersByTimeAsync(1_000)
    again.end()
    await jest.advanceTimersByTimeAsync(3_000)
    expect([working.ended, subscribed.ended, inRoom.ended]).toEqual([true, false, false])
    await jest.advanceTimersByTimeAsync(3_000)
    expect([subscribed.ended, inRoom.ended]).toEqual([true, false])
  })

  test('if their token is barred, and subscriptions if their own is', async () => {
    const session = open()
    const [own, borrowed] = [session.subscribe({ clientId: 'alice' }), session.subscribe({ clientId: 'bob', as: bob })]
    session.revoke(() => false)
    session.revoke(({ clientId }) => clientId === 'bob')
    expect(await endsOf(own, borrowed)).toEqual([undefined, 'UNAUTHENTICATED'])
    session.revoke(({ clientId }) => clientId === 'alice')
    expect([closed, await endsOf(own)]).toEqual([['REVOKED'], ['client']])
  })

  test('all with the replica, and no timer is left', () => {
    open()
    open(bob)
    sessions.close()
    expect([closed, sessions.all.size, jest.getTimerCount()]).toEqual([['RESTART', 'RESTART'], 0, 0])
  })
})

describe('a deleted channel', () => {
  test('ends its subscriptions in all sessions', async () => {
    const [one, other] = [open(operator), open(operator)]
    const kept = one.subscribe({ clientId: 'bob' })
    const ended = [one.subscribe({ clientId: 'alice' }), other.subscribe({ clientId: 'alice' })]
    sessions.endChannel('alice', Date.now())
    expect(await endsOf(kept, ...ended)).toEqual([undefined, 'CHANNEL_NOT_FOUND', 'CHANNEL_NOT_FOUND'])
    expect(closed).toEqual([])
  })

  test('is no longer owned by tokens of before: only a scope still grants it', async () => {
    const isOld = ({ clientId }: Identity) => clientId === 'alice'
    const session = open()
    const own = session.subscribe({ clientId: 'alice' })
    const borrowed = session.subscribe({ clientId: 'alice', as: { ...alice, issuedAt: new Date() } })
    const other = session.subscribe({ clientId: 'bob', as: bob })
    session.disown('alice', (identity) => isOld(identity) && identity.issuedAt === undefined)
    expect(await endsOf(own, borrowed, other)).toEqual(['CHANNEL_NOT_FOUND', undefined, undefined])
    expect(session.identity).toEqual({ ...alice, disowned: true })
    session.disown('alice', isOld)
    expect(await endsOf(borrowed, other)).toEqual(['CHANNEL_NOT_FOUND', undefined])
    expect(() => session.subscribe({ clientId: 'alice' })).toThrow('does not allow')

    const granted = open({ ...alice, scope: { ...noScope, channels: ['alice'] } })
    const stays = granted.subscribe({ clientId: 'alice' })
    granted.disown('alice', isOld)
    const untouched = open(operator)
    untouched.disown('alice', isOld)
    expect([await endsOf(stays), untouched.identity]).toEqual([[undefined], operator])
  })
})
