import { describe, expect, test } from '@jest/globals'
import { checkTogether } from '../../../src/config/checks/check-together.ts'
import { ConfigError } from '../../../src/config/config-error.ts'
import { load } from '../../../src/config/load/load.ts'

const files = new Map([
  ['/run/secrets/jwt', `${'k'.repeat(32)}\n`],
  ['/run/secrets/short', 'hunter2\n'],
  ['/tls/broken.pem', '-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n'],
  ['/tls/text', 'no certificate'],
])

function loaded(env: Record<string, string> = {}, argv: string[] = []) {
  return load({ argv, env, readFile: readListed })
}

function readListed(path: string): string {
  const content = files.get(path)
  if (content === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
  return content
}

function problemsOf(env: Record<string, string>, argv: string[] = []): readonly string[] {
  try {
    loaded(env, argv)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

describe('the options of TLS with RabbitMQ', () => {
  const tls = { WARREN_BROKER_URL: 'amqps://rabbit' }

  test('become part of the URLs of all nodes', () => {
    const given = { WARREN_BROKER_URL: 'amqps://one,amqps://two/v', WARREN_BROKER_SERVER_NAME: 'rabbit.example' }
    expect(loaded(given).brokerUrl).toEqual([
      'amqps://one?server_name_indication=rabbit.example',
      'amqps://two/v?server_name_indication=rabbit.example',
    ])
  })

  test.each([
    [
      { WARREN_BROKER_URL: 'amqp://rabbit', WARREN_BROKER_CA: '/tls/text' },
      /^WARREN_BROKER_CA: requires amqps: in every/,
    ],
    [{ ...tls, WARREN_BROKER_CERT: '/tls/text' }, /^WARREN_BROKER_KEY: required, because/],
    [{ ...tls, WARREN_BROKER_KEY: '/tls/text' }, /^WARREN_BROKER_CERT: required, because/],
    [{ ...tls, WARREN_BROKER_CA: '/tls/missing' }, /^WARREN_BROKER_CA: expected a readable file, .*ENOENT/],
    [{ ...tls, WARREN_BROKER_CA: '/tls/text' }, /^WARREN_BROKER_CA: expected certificates in PEM/],
    [
      { ...tls, WARREN_BROKER_CERT: '/tls/broken.pem', WARREN_BROKER_KEY: '/tls/text' },
      /^WARREN_BROKER_CERT: expected PEM that TLS can use/,
    ],
  ])('%j is refused', (env, line) => {
    const problems = problemsOf(env)
    expect(problems).toEqual([expect.stringMatching(line)])
  })
})

describe('the defaults', () => {
  test('are those of the contract', () => {
    expect(loaded()).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      tcpPort: 4001,
      tcpEchoPort: 'off',
      opsPort: 4002,
      brokerUrl: ['memory:'],
      databaseUrl: undefined,
      dataDir: './data',
      namespace: 'warren',
      jwtSecret: undefined,
      legacyAccess: 'token',
      testRoutes: false,
      retention: { maxAgeMs: 86_400_000, maxBytes: 2 ** 30 },
      drainMs: 30_000,
      maxMessageBytes: 4 * 2 ** 20,
    })
  })

  test('are overridden by the environment, and that by flags', () => {
    const env = { WARREN_PORT: '5000', WARREN_NAMESPACE: 'shop' }
    expect(loaded(env)).toMatchObject({ port: 5000, namespace: 'shop' })
    expect(loaded(env, ['--port', '6000'])).toMatchObject({ port: 6000, namespace: 'shop' })
    expect(loaded(env, ['--port=7000'])).toMatchObject({ port: 7000 })
  })
})

describe('values', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['0s', 0],
    ['1.5s', 1_500],
  ])('a duration %s is %d milliseconds', (text, ms) => {
    expect(loaded({ WARREN_DRAIN: text }).drainMs).toBe(ms)
  })

  test.each([
    ['65536', 65_536],
    ['64KiB', 65_536],
    ['1MiB', 2 ** 20],
  ])('a size %s is %d bytes', (text, bytes) => {
    expect(loaded({ WARREN_MAX_MESSAGE_BYTES: text }).maxMessageBytes).toBe(bytes)
  })

  test('a retention takes age and size in either order, or one alone', () => {
    expect(loaded({ WARREN_RETENTION: '2GiB,7d' }).retention).toEqual({ maxAgeMs: 604_800_000, maxBytes: 2 ** 31 })
    expect(loaded({ WARREN_RETENTION: '7d' }).retention).toEqual({ maxAgeMs: 604_800_000, maxBytes: Infinity })
    expect(loaded({ WARREN_RETENTION: '1GiB' }).retention).toEqual({ maxAgeMs: Infinity, maxBytes: 2 ** 30 })
    expect(problemsOf({ WARREN_RETENTION: '1h,2h' })).toHaveLength(1)
  })

  test('several broker URLs name the nodes of one cluster', () => {
    expect(loaded({ WARREN_BROKER_URL: 'amqp://one, amqp://two:5673/shop' }).brokerUrl).toEqual([
      'amqp://one',
      'amqp://two:5673/shop',
    ])
    expect(problemsOf({ WARREN_BROKER_URL: 'amqp://one,amqps://two' })[0]).toMatch(
      /^WARREN_BROKER_URL: .*more than one scheme/,
    )
    expect(problemsOf({ WARREN_BROKER_URL: 'memory:,amqp://one' })[0]).toMatch(/memory: with other URLs$/)
  })

  test('origins are compared as browsers send them', () => {
    expect(
      loaded({ WARREN_ALLOWED_ORIGINS: 'https://App.example.com:443/,http://localhost:3000' }).allowedOrigins,
    ).toEqual(['https://app.example.com', 'http://localhost:3000'])
    expect(problemsOf({ WARREN_ALLOWED_ORIGINS: 'https://app.example.com/path' })).toHaveLength(1)
  })

  test('a secret may come from a file, without its last line break', () => {
    expect(loaded({ WARREN_JWT_SECRET_FILE: '/run/secrets/jwt' }).jwtSecret).toBe('k'.repeat(32))
    expect(problemsOf({ WARREN_JWT_SECRET_FILE: '/nowhere' })).toEqual([
      'WARREN_JWT_SECRET_FILE: expected a readable file, got "/nowhere" (ENOENT)',
    ])
  })

  test('a secret given twice is refused, and a flag overrides the variable', () => {
    const env = { WARREN_JWT_SECRET: 's'.repeat(40), WARREN_JWT_SECRET_FILE: '/run/secrets/jwt' }
    expect(problemsOf(env)).toEqual([
      'WARREN_JWT_SECRET_FILE: set together with WARREN_JWT_SECRET; expected one of the two',
    ])
    const { jwtSecret } = loaded({ WARREN_JWT_SECRET: 's'.repeat(40) }, ['--jwt-secret-file', '/run/secrets/jwt'])
    expect(jwtSecret).toBe('k'.repeat(32))
  })
})

describe('what is invalid', () => {
  test.each([
    ['WARREN_PORT', 'abc', '"abc"'],
    ['WARREN_PORT', '65536', '"65536"'],
    ['WARREN_PORT', 'off', '"off"'],
    ['WARREN_PORT', '', 'an empty text'],
    ['WARREN_HOST', '1.2.3', '"1.2.3"'],
    ['WARREN_NAMESPACE', 'a.b', '"a.b"'],
    ['WARREN_GRAPHIQL', 'true', '"true"'],
    ['WARREN_LEGACY_ACCESS', 'closed', '"closed"'],
    ['WARREN_DRAIN', '30', '"30"'],
    ['WARREN_DRAIN', '30 s', '"30 s"'],
    ['WARREN_DRAIN', '2h', '"2h"'],
    ['WARREN_RETENTION', '1 day', '"1 day"'],
    ['WARREN_MAX_MESSAGE_BYTES', '1MB', '"1MB"'],
    ['WARREN_MAX_CONNECTIONS', '0', '"0"'],
    ['WARREN_MAX_CONNECTIONS', '1e3', '"1e3"'],
    ['WARREN_JWKS_URL', 'ldap://x', 'ldap://…'],
    ['WARREN_BROKER_URL', 'kafka://x', 'kafka://…'],
    ['WARREN_BROKER_URL', 'amqp:localhost', 'a URL without a host'],
  ])('%s=%s gives one line with the name, the allowed values and the given one', (variable, text, got) => {
    const problems = problemsOf({ [variable]: text })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(new RegExp(`^${variable}: expected [^\\n]+$`))
    expect(problems[0]).toContain(`, got ${got}`)
  })

  test('a secret never appears in the message', () => {
    const env = {
      WARREN_JWT_SECRET: 'hunter2',
      WARREN_DATABASE_URL: 'mysql://admin:hunter2@db/warren',
      WARREN_BROKER_URL: 'amqp://guest:hunter2#/@host',
    }
    const problems = problemsOf(env)
    expect(new Set(problems.map((line) => line.split(':')[0]))).toEqual(new Set(Object.keys(env)))
    expect(problems.join()).not.toContain('hunter2')
    expect(problemsOf({ WARREN_JWT_SECRET_FILE: '/run/secrets/short' })).toEqual([
      'WARREN_JWT_SECRET_FILE: expected at least 32 bytes, got 7',
    ])
  })

  test('an unknown variable or flag is named, with the probable one', () => {
    expect(problemsOf({ WARREN_PROT: '1' })).toEqual(['WARREN_PROT: unknown variable; did you mean WARREN_PORT?'])
    expect(problemsOf({}, ['--prot', '1'])).toEqual(['--prot: unknown option; did you mean --port?'])
    expect(problemsOf({ WARREN_ZZZ: '1' })[0]).toMatch(/^WARREN_ZZZ: unknown variable; docs\/config\.md/)
    expect(problemsOf({}, ['5000'])[0]).toMatch(/^"5000": unexpected argument/)
    expect(problemsOf({}, ['--port'])).toEqual(['--port: expected a value after it, got none'])
    expect(problemsOf({}, ['--port', '--host', '::1'])[0]).toBe('--port: expected a value after it, got none')
  })

  test('a bad flag is named as a flag', () => {
    expect(problemsOf({ WARREN_PORT: '4000' }, ['--port', 'x'])[0]).toMatch(/^--port: expected a port/)
  })

  test('two options with the same port are refused', () => {
    expect(problemsOf({ WARREN_TCP_PORT: '4000' })).toEqual([
      'WARREN_TCP_PORT: expected a different port, got 4000, which WARREN_PORT uses',
    ])
    expect(problemsOf({ WARREN_PORT: '0', WARREN_TCP_PORT: '0', WARREN_OPS_PORT: '0' })).toEqual([])
  })

  test('the variables that Kubernetes sets for a Service called warren are ignored', () => {
    const links = {
      WARREN_PORT: 'tcp://10.0.0.7:4000',
      WARREN_SERVICE_HOST: '10.0.0.7',
      WARREN_SERVICE_PORT_HTTP: '4000',
      WARREN_PORT_4000_TCP_ADDR: '10.0.0.7',
      WARREN_OPS_PORT: 'tcp://10.0.0.8:4002',
    }
    expect(loaded({ ...links, KUBERNETES_SERVICE_HOST: '10.0.0.1' })).toMatchObject({ port: 4000, opsPort: 4002 })
    expect(problemsOf(links)).toHaveLength(5)
  })
})

describe('together', () => {
  test.each(['0.0.0.0', '::', '192.168.1.2', 'gateway.example.com'])(
    'binding %s with a generated secret is refused, with what to set',
    (host) => {
      const config = loaded({ WARREN_HOST: host })
      expect(() => checkTogether(config, { secretGenerated: true })).toThrow(/^WARREN_HOST: .*set WARREN_JWT_SECRET/)
      expect(() => checkTogether(config, { secretGenerated: false })).not.toThrow()
    },
  )

  test.each(['127.0.0.1', '127.8.8.8', '::1', '[::1]', 'localhost'])('binding %s is allowed', (host) => {
    expect(() => checkTogether(loaded({ WARREN_HOST: host }), { secretGenerated: true })).not.toThrow()
  })

  test('offline notices need presence', () => {
    const facts = { secretGenerated: true }
    expect(() => checkTogether(loaded({ WARREN_OFFLINE: 'on' }), facts)).not.toThrow()
    expect(() => checkTogether(loaded({ WARREN_OFFLINE: 'on', WARREN_PRESENCE: 'off' }), facts)).toThrow(
      /^WARREN_OFFLINE: needs WARREN_PRESENCE=on/,
    )
  })
})
