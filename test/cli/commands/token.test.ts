import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { decodeJwt, jwtVerify } from 'jose'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { runWarren, testSecret } from '../../support/gateway/gateway-process.ts'

const withSecret = { WARREN_JWT_SECRET: testSecret }
const dataDir = mkdtempSync(join(tmpdir(), 'warren-test-token-'))
afterAll(() => rmSync(dataDir, { recursive: true }))

describe('warren token', () => {
  test('prints a client token and nothing else, signed with the secret', async () => {
    const { code, stdout, stderr } = await runWarren(['token', '--client', 'alice', '--ttl', '1h'], withSecret)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const { payload } = await jwtVerify(stdout.trim(), Buffer.from(testSecret), { algorithms: ['HS256'] })
    expect(payload).toMatchObject({ sub: 'alice' })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600)
  })

  test('prints a token with the requested scope, valid for WARREN_TOKEN_TTL', async () => {
    const args = ['token', '--operator', '--scope', 'publish channel:team.#']
    const { stdout } = await runCommand(args, { ...withSecret, WARREN_TOKEN_TTL: '7d' })
    const { scope, sub, exp = 0, iat = 0 } = decodeJwt(stdout.trim())
    expect({ scope, sub, ttl: exp - iat }).toEqual({
      scope: 'operator publish channel:team.#',
      sub: undefined,
      ttl: 604_800,
    })
  })

  test('prints a token with a scope of the team for typed fields', async () => {
    const { stdout } = await runCommand(['token', '--client', 'alice', '--scope', 'orders:write'], withSecret)
    expect(decodeJwt(stdout.trim())).toMatchObject({ sub: 'alice', scope: 'orders:write' })
  })

  test('uses the generated secret if none is set, and creates it if it does not exist', async () => {
    const first = await runWarren(['token', '--operator', '--data-dir', dataDir])
    expect(first).toMatchObject({ code: 0, stderr: `No secret yet: generating one in ${dataDir}\n` })
    const secret = readFileSync(join(dataDir, 'jwt-secret'), 'utf8').trim()
    await jwtVerify(first.stdout.trim(), Buffer.from(secret))
    const second = await runCommand(['token', '--operator'], { WARREN_DATA_DIR: dataDir })
    expect(second.stderr).toBe('')
    await jwtVerify(second.stdout.trim(), Buffer.from(secret))
  })

  test.each([
    [[], /^warren token: expected --client, --operator or --scope/],
    [['--scope', 'publisher'], /^--scope: expected .* got "publisher"\n$/],
    [['--scope', 'observe:orders'], /^--scope: expected .* got "observe:orders"\n$/],
    [['--scope', 'write'], /^--scope: expected .* a scope of your own such as orders:write, got "write"\n$/],
    [['--operator', '--ttl', '5'], /^--ttl: expected a duration .* got "5"\n$/],
    [['--client', 'a b'], /^--client: expected no white space/],
    [['--opertor'], /^unknown option '--opertor' \(Did you mean --operator\?\)\n$/],
    [['--operator', '--jwt-secret', 'hunter2'], /^--jwt-secret: expected at least 32 bytes, got 7\n$/],
  ])('rejects %j with one line and status 2', async (args, line) => {
    const { code, stdout, stderr } = await runCommand(
      ['token', ...args],
      args.includes('--jwt-secret') ? {} : withSecret,
    )
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(line)
  })
})
