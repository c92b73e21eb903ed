import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { load } from '../../../src/config/load/load.ts'
import { Hosts, opsHosts } from '../../../src/transports/http/hosts.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { ask, upgrade } from '../ask.ts'

const reaches = (
  host: string,
  { bound = '127.0.0.1', allowed = [] as string[], origins = [] as string[] } = {},
): boolean => new Hosts({ bound, allowed, origins }).allows(host)

describe('on loopback', () => {
  test.each([
    'localhost',
    'LOCALHOST:4000',
    'localhost.:4000',
    'warren.localhost:4000',
    '127.0.0.1',
    '127.0.0.1:65535',
    '[::1]',
    '[::1]:4000',
  ])('Host %s is this machine', (host) => expect(reaches(host)).toBe(true))

  test.each([
    '',
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evillocalhost',
    'localhost@evil.example',
    'evil.example@localhost',
    'localhost:4000@evil.example',
    'localhost:port',
    'localhost/evil.example',
    'localhost evil.example',
    '[::1].evil.example',
    '[::1',
    '192.168.1.5:4000',
    '169.254.169.254',
    '0.0.0.0:4000',
  ])('Host %j is refused', (host) => expect(reaches(host)).toBe(false))

  test('names are added by WARREN_ALLOWED_HOSTS and by WARREN_ALLOWED_ORIGINS', () => {
    const more = { allowed: ['gateway.example', '*.tunnel.example'], origins: ['https://app.example:8443'] }
    expect(reaches('Gateway.Example:4000', more)).toBe(true)
    expect(reaches('a.b.tunnel.example', more)).toBe(true)
    expect(reaches('app.example', more)).toBe(true)
    expect(reaches('localhost', more)).toBe(true)
    expect(reaches('tunnel.example', more)).toBe(false)
    expect(reaches('eviltunnel.example', more)).toBe(false)
    expect(reaches('evil.example', more)).toBe(false)
    expect(reaches('evil.example', { allowed: ['*'] })).toBe(true)
    // Allowing any origin does not allow any name.
    expect(reaches('evil.example', { origins: ['*'] })).toBe(false)
  })
})

describe('beyond loopback', () => {
  test('any Host is answered until WARREN_ALLOWED_HOSTS is set', () => {
    expect(reaches('any.example', { bound: '0.0.0.0', origins: ['https://app.example'] })).toBe(true)
    const set = { bound: '0.0.0.0', allowed: ['gateway.example'], origins: ['https://app.example'] }
    expect(reaches('any.example', set)).toBe(false)
    expect(reaches('10.1.2.3:4000', set)).toBe(false)
    for (const host of ['gateway.example', 'app.example:4000', 'localhost:4000']) expect(reaches(host, set)).toBe(true)
  })

  test('the ops port accepts probes to the address of a pod, whatever is set', () => {
    const config = (opsHost: string) =>
      load({ argv: [], env: { WARREN_OPS_HOST: opsHost, WARREN_ALLOWED_HOSTS: 'gateway.example' }, readFile: String })
    const beyond = opsHosts(config('0.0.0.0'))
    for (const host of ['10.1.2.3:4002', '[fd00::1]:4002', 'gateway.example:4002']) expect(beyond(host)).toBe(true)
    expect(beyond('evil.example:4002')).toBe(false)
    expect(opsHosts(config('127.0.0.1'))('10.1.2.3:4002')).toBe(false)
  })
})

describe('a gateway on loopback', () => {
  let gateway: ReachableGateway
  beforeAll(async () => {
    gateway = await openReachable({ WARREN_ALLOWED_HOSTS: 'gateway.example' })
  })
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]()
  })

  const statuses = async (host: string, origin?: string) => {
    const headers = { host, ...(origin === undefined ? {} : { origin }) }
    const ops = `http://127.0.0.1:${gateway.opsPort}`
    const answers = await Promise.all([
      ask(`${gateway.url}/`, { headers }),
      ask(`${gateway.url}/nothing`, { headers }),
      ask(`${gateway.graphqlUrl}?query={__typename}`, { headers }),
      ask(`${gateway.url}/health-check`, { headers }),
      ...['/graphql', '/ws', '/socketcluster/'].map((path) =>
        ask(gateway.url + path, { headers: { ...upgrade, ...headers } }),
      ),
      ...['/livez', '/readyz', '/metrics'].map((path) => ask(ops + path, { headers })),
    ])
    return { statuses: answers.map(({ status }) => status), bodies: answers.map(({ body }) => body) }
  }

  test('answers no page with a rebound name, same origin or not', async () => {
    for (const origin of [undefined, `http://evil.example:${gateway.port}`]) {
      const refused = await statuses(`evil.example:${gateway.port}`, origin)
      expect(refused.statuses).toEqual(Array.from({ length: 10 }, () => 421))
      for (const body of refused.bodies) expect(body).toContain('WARREN_ALLOWED_HOSTS')
    }
  })

  test.each(['gateway.example', 'localhost:1', '[::1]'])('answers everywhere under %s', async (host) => {
    expect((await statuses(host)).statuses).toEqual([200, 404, 200, 200, 101, 101, 101, 200, 200, 200])
  })
})
