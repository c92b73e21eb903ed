import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { ConcurrencyLimit, type Waiter } from '../../../src/auth/passwords/concurrency-limit.ts'
import { LoginThrottle } from '../../../src/core/limits/login-throttle.ts'
import { networkOf } from '../../../src/core/limits/network-address.ts'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { created, inputOf, outcomeOfCreate } from './registrant.ts'

let gateway: InProcessGateway
beforeAll(async () => {
  gateway = await openGateway({ WARREN_PROXY_HOPS: '1', WARREN_MAX_PASSWORD_FAILURES: '3' })
})
afterAll(() => gateway.close())

const wrong = (clientId: string, from: string) =>
  outcomeOfCreate(gateway.graphqlUrl, inputOf(clientId, { password: `${Math.random()}` }), { from })
const right = (clientId: string, from: string) => outcomeOfCreate(gateway.graphqlUrl, inputOf(clientId), { from })

function countsOf(outcomes: readonly unknown[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const outcome of outcomes) counts[String(outcome)] = (counts[String(outcome)] ?? 0) + 1
  return counts
}

test('wrong passwords sent at once exceed the limit no more than those sent one by one', async () => {
  await created(gateway.graphqlUrl, 'guessed')
  const outcomes = await Promise.all(Array.from({ length: 120 }, () => wrong('guessed', '192.0.2.1')))
  expect(countsOf(outcomes)).toEqual({ CLIENT_ID_TAKEN: 3, LIMIT_EXCEEDED: 117 })
  expect(await right('guessed', '192.0.2.1')).toBe('LIMIT_EXCEEDED')
  expect(await right('guessed', '192.0.2.2')).toBe('answered')
})

test('right passwords sent at once are all answered', async () => {
  await created(gateway.graphqlUrl, 'crowd')
  const names = Array.from({ length: 20 }, (_, n) => ({ name: `Name ${n}` }))
  const logIn = (given: Record<string, string>) =>
    outcomeOfCreate(gateway.graphqlUrl, inputOf('crowd', given), { from: '192.0.2.3' })
  expect(countsOf(await Promise.all(names.map(logIn)))).toEqual({ answered: 20 })
})

test('an IPv6 host cannot guess from each of its addresses', async () => {
  await created(gateway.graphqlUrl, 'six')
  for (let n = 1; n <= 3; n += 1) expect(await wrong('six', `2001:db8:0:1::${n}`)).toBe('CLIENT_ID_TAKEN')
  expect(await wrong('six', '2001:db8:0:1:ffff::1')).toBe('LIMIT_EXCEEDED')
  expect(await right('six', '2001:db8:0:2::1')).toBe('answered')
})

test('guessing at many clients from an address does not lock out others behind it with right passwords', async () => {
  await created(gateway.graphqlUrl, 'bystander')
  const ids = Array.from({ length: 10 }, (_, n) => `victim-${n}`)
  await Promise.all(ids.map((id) => created(gateway.graphqlUrl, id)))
  const missed = await Promise.all(ids.flatMap((id) => [1, 2, 3].map(() => wrong(id, '192.0.2.4'))))
  expect(countsOf(missed)).toEqual({ CLIENT_ID_TAKEN: 30 })
  // From here on the network comes last, and is not refused.
  expect(await right('bystander', '192.0.2.4')).toBe('answered')
  expect(await wrong('bystander', '192.0.2.4')).toBe('CLIENT_ID_TAKEN')
  expect(await right('victim-0', '192.0.2.4')).toBe('LIMIT_EXCEEDED')
  expect(await right('victim-0', '192.0.2.5')).toBe('answered')
})

test('a running check counts as wrong until its result is known', () => {
  const failures = new LoginThrottle(2)
  const first = failures.begin('alice', 'here')
  failures.begin('alice', 'here')
  expect(() => failures.begin('alice', 'here')).toThrow('too many wrong passwords')
  first.settle(true)
  failures.begin('alice', 'here').settle(false)
  expect(() => failures.begin('alice', 'here')).toThrow('too many wrong passwords')
  failures.check('bob', 'here')
})

describe('queued password checks', () => {
  /**
   * A concurrency limit with one slot, in use. `order` lists the admitted ones after it is
   * released.
   */
  function queue(waiting = 100) {
    const checks = new ConcurrencyLimit({ concurrency: 1, maxWaiting: waiting, limit: 'l', message: 'r' })
    const order: string[] = []
    let free: () => void = () => undefined
    const freed = new Promise<void>((resolve) => {
      free = resolve
    })
    const first = checks.run(() => freed)
    const outcomes: Promise<string>[] = []
    const come = (label: string, place: Partial<Waiter>) => {
      const work = async () => {
        order.push(label)
        await Promise.resolve()
      }
      const of = { network: 'n', client: 'c', kind: 'verify', ...place }
      outcomes.push(
        checks.run(work, of).then(
          () => 'in',
          (error: { code: string }) => error.code,
        ),
      )
    }
    const settle = async () => {
      free()
      await first
      const all = await Promise.all(outcomes)
      return { order, outcomes: all }
    }
    return { come, settle }
  }

  test('alternate by network, and within one by client', async () => {
    const { come, settle } = queue()
    for (let n = 0; n < 4; n += 1) come(`flood ${n}`, { network: 'flood', client: 'x' })
    come('flood other', { network: 'flood', client: 'y' })
    come('calm', { network: 'calm' })
    expect((await settle()).order).toEqual(['flood 0', 'calm', 'flood other', 'flood 1', 'flood 2', 'flood 3'])
  })

  test('are not delayed by registrations', async () => {
    const { come, settle } = queue()
    for (let n = 0; n < 3; n += 1) come(`new ${n}`, { kind: 'hash' })
    come('log-in 0', {})
    come('log-in 1', {})
    expect((await settle()).order).toEqual(['new 0', 'log-in 0', 'new 1', 'log-in 1', 'new 2'])
  })

  test('are refused if their own network or client sends too many, and no others are', async () => {
    const { come, settle } = queue(3)
    for (let n = 0; n < 5; n += 1) come(`flood ${n}`, { network: 'flood', client: 'x' })
    come('neighbour', { network: 'flood', client: 'y' })
    for (let network = 0; network < 27; network += 1) come(`${network}`, { network: `${network}` })
    come('last', { network: 'last' })
    const { order, outcomes } = await settle()
    expect(order).not.toContain('flood 2')
    expect(order).toEqual(expect.arrayContaining(['flood 0', 'neighbour', 'last', '0', '26']))
    expect(countsOf(outcomes)).toEqual({ in: 30, LIMIT_EXCEEDED: 4 })
  })

  test('come last if their network has guessed at many clients', async () => {
    const { come, settle } = queue()
    const slowed = { network: 'guesser', slowed: () => true }
    come('guess 0', { ...slowed, client: 'x' })
    come('guess 1', { ...slowed, client: 'y' })
    come('calm', { network: 'calm' })
    come('new', { network: 'calm', kind: 'hash' })
    expect((await settle()).order).toEqual(['calm', 'new', 'guess 0', 'guess 1'])
  })
})

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['192.0.2.7:4711', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['unknown', 'unknown'],
  ['', ''],
])('%s counts as %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
