import { describe, expect, test } from '@jest/globals'
import * as fc from 'fast-check'
import { ConfigError } from '../../src/config/config-error.ts'
import { effectiveConfig } from '../../src/config/effective.ts'
import { type ConfigInputs, loadWithOrigins } from '../../src/config/load/load.ts'
import { variableOf } from '../../src/config/options/option.ts'
import { type Config, type OptionName, optionNames, options } from '../../src/config/options/options.ts'
import { effectiveOptions } from '../../src/config/report.ts'
import { runs } from '../support/property.ts'

const facts = { secretGenerated: false, logFormat: 'json' } as const

/** Text without a meaning in URLs, and long enough that no value holds it by chance. */
const secretText = fc.stringMatching(/^[a-zA-Z0-9]{36,60}$/)
/** What people write without percent-encoding it. */
const careless = fc.tuple(fc.stringMatching(/^[0-9]{1,4}$/), fc.constantFrom('#', '/', '?', '@', ':'), secretText)

/** Ways to put a secret into the text of an option. */
const ways: readonly ((secret: string, separator: string, digits: string) => string)[] = [
  (secret) => secret,
  (secret) => `amqp://warren:${secret}@one:5672/v,amqp://warren:${secret}@two`,
  (secret) => `amqps://one?password=${secret}&heartbeat=5`,
  (secret) => `amqp://one?passphrase=${secret}`,
  (secret, separator, digits) => `amqp://warren:${digits}${separator}${secret}@one`,
  (secret) => `postgres://warren:${secret}@db/warren`,
  (secret) => `postgres://db/warren?sslpassword=${secret}&password=${secret}`,
  (secret, separator, digits) => `postgres://warren:${digits}${separator}${secret}@db/warren`,
  (secret) => `https://user:${secret}@collector.example.com/v1`,
  (secret) => `https://${secret}@collector.example.com/v1`,
  (secret) => `https://collector.example.com/v1?sig=${secret}&code=${secret}`,
  (secret) => `https://collector.example.com/v1#${secret}`,
  (secret) => `one=https://user:${secret}@example.com`,
]

/** Options with values that a user could take for secrets, and that are none: names, ids, paths. */
const shownAsGiven = new Set<OptionName>(
  optionNames.filter((name) => {
    const kind = options[name].kind.expected
    return !options[name].secret && !/URL/.test(kind)
  }),
)

describe('no part of a secret is shown', () => {
  test('of any option, wherever its value may hold one', () => {
    const masked = optionNames.filter((name) => !shownAsGiven.has(name))
    const leak = fc.property(careless, fc.constantFrom(...masked), ([digits, separator, secret], name) => {
      for (const way of ways) {
        const text = way(secret, separator, digits)
        const shown = shownOf({ argv: [], env: { [variableOf(name)]: text }, readFile: () => '' }, name)
        expect(partsIn(shown, secret)).toEqual([])
      }
    })
    fc.assert(leak, runs(60))
  })

  test('and options that are marked as secret show no value that was given as a whole', () => {
    const marked = optionNames.filter((name) => options[name].secret)
    expect(marked.toSorted()).toEqual(['brokerUrl', 'consoleOidcClientSecret', 'databaseUrl', 'jwtSecret'])
    for (const name of marked) expect(options[name].file).toBe(true)
  })

  test('names what is no secret, so that a value is recognised', () => {
    const shown = shownOf(
      {
        argv: [],
        env: { WARREN_BROKER_URL: 'amqp://warren:hunter2@one:5672/orders?heartbeat=5&passphrase=hunter2' },
        readFile: () => '',
      },
      'brokerUrl',
    )
    expect(shown).toContain('amqp://warren:***@one:5672/orders?heartbeat=5&passphrase=***')
  })
})

describe('the origin of an option', () => {
  const originsOf = (inputs: Partial<ConfigInputs>) => {
    const { config, origins } = loadWithOrigins({ argv: [], env: {}, readFile: () => '', ...inputs })
    return (name: OptionName) => effectiveOptions(config, origins, facts).find((option) => option.name === name)
  }

  test('is the flag, the variable, the file, or the default', () => {
    const files: Record<string, string> = {
      '/run/secret': 'x'.repeat(40),
      '/etc/warren.env': 'WARREN_PORT=6000\nWARREN_DRAIN=7s\n',
    }
    const of = originsOf({
      argv: ['--tcp-port', '6001'],
      env: { WARREN_JWT_SECRET_FILE: '/run/secret', WARREN_OPTIONS_FILE: '/etc/warren.env', WARREN_DRAIN: '9s' },
      readFile: (path) => files[path] ?? '',
    })
    expect(of('tcpPort')).toMatchObject({ value: '6001', origin: { by: 'flag', givenAs: '--tcp-port' } })
    expect(of('drainMs')).toMatchObject({ value: '9s', origin: { by: 'environment', givenAs: 'WARREN_DRAIN' } })
    expect(of('port')).toMatchObject({
      value: '6000',
      origin: { by: 'file', givenAs: 'WARREN_PORT', file: '/etc/warren.env' },
    })
    expect(of('jwtSecret')).toMatchObject({ value: '***', origin: { by: 'file', file: '/run/secret' } })
    expect(of('retention')).toMatchObject({ value: '24h,1GiB', origin: { by: 'default' } })
    expect(of('jwksUrl')).toMatchObject({ value: null, origin: { by: 'default' } })
  })

  test('is derived if the value follows from other options', () => {
    const of = originsOf({ env: { WARREN_MAX_CONNECTIONS: '500', WARREN_JWKS_URL: 'https://id.example.com/keys' } })
    expect(of('maxConnectionsPerAddress')).toEqual({
      name: 'maxConnectionsPerAddress',
      value: '50',
      origin: { by: 'derived' },
    })
    expect(of('maxConnectionsPerClient')).toMatchObject({ value: '250', origin: { by: 'derived' } })
    expect(of('registration')).toMatchObject({ value: 'off', origin: { by: 'derived' } })
    expect(of('logFormat')).toMatchObject({ value: 'json', origin: { by: 'derived' } })
  })
})

/** Everything that an operator may read of the option, or the refusal of its value. */
function shownOf(inputs: ConfigInputs, name: OptionName): string {
  let loaded: { config: Config; origins: Parameters<typeof effectiveConfig>[1] }
  try {
    loaded = loadWithOrigins(inputs)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.join('\n')
  }
  const { config, origins } = loaded
  const reported = effectiveOptions(config, origins, facts).find((option) => option.name === name)
  return `${JSON.stringify(reported)}\n${effectiveConfig(config, origins)}`
}

/** The parts of a secret that a text contains, at least eight characters each. */
function partsIn(text: string, secret: string): string[] {
  // A secret has no other characters, and most of a text is in shorter words.
  const lower =
    text
      .toLowerCase()
      .match(/[a-z0-9]{8,}/g)
      ?.join(' ') ?? ''
  return Array.from({ length: secret.length - 7 }, (_, at) => secret.slice(at, at + 8)).filter((part) =>
    lower.includes(part.toLowerCase()),
  )
}
