import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals'
import { anonymous, anyListener } from '../../../src/core/model/identity.ts'
import { gatewayOnMemory } from '../embedded-gateway.ts'
import { alice, bob, ObservedSessions, operator } from './observed-sessions.ts'

let world: ObservedSessions
beforeEach(() => {
  world = new ObservedSessions()
})
afterEach(() => world.close())

const lines = () => world.logged.filter(([, text]) => text !== 'a session ended')

test('the limit of all connections names its option', () => {
  world.limits.maxConnections = 1
  world.open()
  expect(() => world.open(bob)).toThrow(expect.objectContaining({ limit: 'WARREN_MAX_CONNECTIONS' }))
})

test('clients are present while they have a session, under its identity of the time', () => {
  const sessions = [world.open(), world.open(anonymous, { address: '192.0.2.1' }), world.open(operator)]
  expect(world.presence.splice(0)).toEqual(['+alice'])
  sessions[0]?.become({ ...alice, expiresAt: new Date(2_000_000) })
  expect(world.presence).toEqual([])
  sessions[0]?.become(bob)
  sessions[1]?.become(alice)
  expect(world.presence.splice(0)).toEqual(['+bob', '-alice', '+alice'])
  sessions[1]?.become(anyListener)
  expect(world.presence.splice(0)).toEqual(['-alice'])
  for (const session of sessions) session.end('client')
  expect(world.presence).toEqual(['-bob'])
})

test('without presence, clients come, log in and out, and leave all the same', async () => {
  await using at = await gatewayOnMemory()
  const session = at.gateway.openSession({ identity: anonymous, transport: 'tcp', onClose: () => {} })
  session.become(alice)
  session.become(anonymous)
  session.become(bob)
  session.end('client')
  expect([...at.gateway.sessions]).toEqual([])
})

test('an ended session is renewed neither with its own token nor with another', () => {
  const session = world.open()
  session.end('client')
  for (const identity of [alice, bob]) expect(() => session.renew(identity)).toThrow('this session has ended')
})

describe('a drain', () => {
  test('of all ends what was left of one for an operator, and cannot become one or be undone', async () => {
    const { sessions } = world
    world.open()
    expect([sessions.draining, sessions.endsAll, sessions.leaving]).toEqual([false, false, 0])
    const ofClients = sessions.drainClients(60_000)
    await jest.advanceTimersByTimeAsync(10)
    expect([sessions.draining, sessions.endsAll]).toEqual([true, false])
    const ofAll = sessions.drain(0)
    await ofClients
    await ofAll
    expect([sessions.draining, sessions.endsAll, world.closed]).toEqual([true, true, ['RESTART']])
    await sessions.drainClients(0)
    sessions.undrain()
    expect(sessions.endsAll).toBe(true)
    expect(() => world.open(operator)).toThrow('this replica is being shut down')
  })

  test('logs how many sessions it ends, over which time', async () => {
    jest.advanceTimersByTime(60_000)
    world.open()
    world.open(bob)
    const drained = world.sessions.drain(10_000)
    await jest.advanceTimersByTimeAsync(4_500)
    await drained
    expect(lines()).toEqual([
      ['info', expect.stringMatching(/^draining: 2 sessions over 10 s;/), undefined],
      ['info', 'drained', { sessions: 2, seconds: 4.5 }],
    ])
  })

  test('for an operator logs its end, or that it was undone', async () => {
    world.open()
    world.open(bob)
    world.open(operator)
    void world.sessions.drainClients(10_000)
    await jest.advanceTimersByTimeAsync(100)
    expect(world.sessions.leaving).toBe(1)
    world.sessions.undrain()
    world.sessions.undrain()
    await jest.advanceTimersByTimeAsync(20_000)
    expect([world.sessions.draining, world.sessions.leaving, world.closed]).toEqual([false, 0, ['RESTART']])
    const drained = world.sessions.drainClients(2_000)
    await jest.advanceTimersByTimeAsync(2_000)
    await drained
    expect(lines().map(([, text, details]) => [text.replace(/;.*/, ''), details])).toEqual([
      ['draining for an operator: 2 sessions over 10 s', undefined],
      ['undrained: this replica takes sessions again', undefined],
      ['draining for an operator: 1 sessions over 2 s', undefined],
      ['drained for an operator', { sessions: 1 }],
    ])
  })
})
