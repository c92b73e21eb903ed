import { describe, expect, test } from '@jest/globals'
import { effectiveConfig } from '../../src/config/effective.ts'
import { loadWithOrigins } from '../../src/config/load/load.ts'
import { configManual, helpText } from '../../src/config/manual.ts'
import { flagOf, variableOf } from '../../src/config/options/option.ts'
import { optionNames, options } from '../../src/config/options/options.ts'

describe('the manual and the help text', () => {
  test.each(optionNames)('describe %s', (name) => {
    for (const text of [configManual(), helpText()]) {
      expect(text).toContain(variableOf(name))
      expect(text).toContain(flagOf(name))
      expect(text).toContain(options[name].help)
    }
  })

  test('name variables as the contract does', () => {
    const names = optionNames.map(variableOf)
    expect(names).toEqual(
      expect.arrayContaining(['WARREN_TCP_ECHO_PORT', 'WARREN_JWKS_URL', 'WARREN_DRAIN', 'WARREN_TOKEN_TTL']),
    )
    expect(new Set(names).size).toBe(names.length)
  })
})

describe('the effective configuration', () => {
  const secrets = {
    WARREN_JWT_SECRET: 'correct horse battery staple, twice',
    WARREN_BROKER_URL: 'amqp://guest:hunter2@one,amqp://guest:hunter2@two',
    WARREN_DATABASE_URL: 'postgres://warren:hunter2@db/warren?sslpassword=hunter2',
  }

  test('masks every secret and names the origin of each value', () => {
    const { config, origins } = loadWithOrigins({ argv: ['--port', '5000'], env: secrets, readFile: () => '' })
    const text = effectiveConfig(config, origins)
    expect(text).not.toMatch(/hunter2|horse/)
    expect(text).toMatch(/^WARREN_BROKER_URL=amqp:\/\/guest:\*\*\*@one,amqp:\/\/guest:\*\*\*@two +# environment$/m)
    expect(text).toMatch(/^WARREN_PORT=5000 +# flag$/m)
    expect(text).toMatch(/^WARREN_RETENTION=24h,1GiB +# default$/m)
  })

  test('can be loaded again if it has no secret', () => {
    const given = {
      argv: ['--drain', '90s', '--hot-window', '64MiB', '--tcp-port', 'off'],
      env: {},
      readFile: () => '',
    }
    const { config, origins } = loadWithOrigins(given)
    const env = Object.fromEntries(
      effectiveConfig(config, origins)
        .split('\n')
        .filter((line) => line.startsWith('WARREN_'))
        .map((line) => line.replace(/ +#.*/, '').split('=')),
    ) as Record<string, string>
    expect(loadWithOrigins({ argv: [], env, readFile: () => '' }).config).toEqual(config)
  })
})
