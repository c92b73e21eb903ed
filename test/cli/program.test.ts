import { describe, expect, test } from '@jest/globals'
import { buildSchema } from 'graphql'
import { flagOf } from '../../src/config/options/option.ts'
import { optionNames, options } from '../../src/config/options/options.ts'
import { runCommand } from '../support/gateway/command-in-process.ts'
import { runWarren } from '../support/gateway/gateway-process.ts'

describe('the program', () => {
  test('prints help and version with status 0', async () => {
    const help = await runWarren(['--help'])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const command of ['start', 'token', 'publish', 'tail', 'check-config', 'print-schema']) {
      expect(help.stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
    }
    expect((await runWarren(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('describes every option in start --help', async () => {
    const { code, stdout } = await runCommand(['start', '--help'])
    expect(code).toBe(0)
    for (const name of optionNames) {
      expect(stdout).toContain(flagOf(name))
      expect(stdout).toContain(options[name].help)
    }
  })

  test.each([
    [['start', '--prot', '5000'], {}, '--prot: unknown option; did you mean --port?\n'],
    [['start', '--port=x'], {}, /^--port: expected a port [^\n]+ got "x"\n$/],
    [['start'], { WARREN_PROT: '1' }, 'WARREN_PROT: unknown variable; did you mean WARREN_PORT?\n'],
    [['start'], { WARREN_RETENTION: 'forever' }, /^WARREN_RETENTION: expected an age [^\n]+ got "forever"\n$/],
    [['start'], { WARREN_HOST: '0.0.0.0' }, /^WARREN_HOST: [^\n]*set WARREN_JWT_SECRET[^\n]*\n$/],
    [['check-config'], { WARREN_TCP_PORT: '4000' }, /^WARREN_TCP_PORT: expected a different port[^\n]*\n$/],
    [['strat'], {}, "unknown command 'strat' (Did you mean start?)\n"],
  ])('ends %j with %j with one line and status 2', async (args, env, line) => {
    const { code, stdout, stderr } = await runCommand(args, env)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    if (typeof line === 'string') expect(stderr).toBe(line)
    else expect(stderr).toMatch(line)
  })
})

test('a process ends with the same line and status', async () => {
  const args = ['start', '--prot', '5000']
  expect(await runWarren(args)).toEqual(await runCommand(args))
})

describe('warren check-config', () => {
  test('prints the effective options, with secrets masked', async () => {
    const secret = 'correct horse battery staple, twice'
    const { code, stdout } = await runWarren(['check-config', '--port', '5000'], {
      WARREN_JWT_SECRET: secret,
      WARREN_BROKER_URL: 'amqp://guest:hunter2@rabbit',
    })
    expect(code).toBe(0)
    expect(stdout).toMatch(/^WARREN_PORT=5000 +# flag$/m)
    expect(stdout).toMatch(/^WARREN_JWT_SECRET=\*\*\* +# environment$/m)
    expect(stdout).not.toMatch(/horse|hunter2/)
  })
})

describe('warren print-schema', () => {
  test('prints a schema that parses', async () => {
    const { code, stdout } = await runWarren(['print-schema'])
    expect(code).toBe(0)
    expect(buildSchema(stdout).getSubscriptionType()?.getFields()).toHaveProperty('channel')
  })
})
