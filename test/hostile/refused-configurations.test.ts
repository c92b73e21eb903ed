import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { openApp } from '../../src/app/open.ts'
import { checkStart } from '../../src/cli/check-start.ts'
import { load } from '../../src/config/load/load.ts'
import { runWarren } from '../support/gateway/gateway-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const folder = newFolder()
afterAll(() => removeFolder(folder))

const secret = 'a secret of at least thirty-two bytes'

async function folderWith(name: string, file: string, content: string): Promise<string> {
  const made = join(folder, name)
  await mkdir(made)
  await writeFile(join(made, file), content)
  return made
}

function configOf(env: Readonly<Record<string, string>>) {
  const base = { WARREN_PORT: '0', WARREN_OPS_PORT: 'off', WARREN_TCP_PORT: 'off', WARREN_LOG_LEVEL: 'error' }
  return load({ argv: [], env: { ...base, ...env }, readFile: () => '' })
}

describe('check-config refuses what start refuses', () => {
  test.each<[string, () => Promise<Record<string, string>> | Record<string, string>, RegExp]>([
    [
      'an address of another machine',
      () => ({ WARREN_HOST: '192.0.2.1', WARREN_JWT_SECRET: secret, WARREN_DATA_DIR: join(folder, 'host') }),
      /^WARREN_HOST: expected an address of this machine/,
    ],
    [
      'an address beyond loopback with a generated secret',
      () => ({ WARREN_HOST: '0.0.0.0', WARREN_DATA_DIR: join(folder, 'generated') }),
      /^WARREN_HOST: .*secret was generated/,
    ],
    [
      'a secret in the data folder that is too short',
      async () => ({ WARREN_DATA_DIR: await folderWith('short', 'jwt-secret', 'short') }),
      /jwt-secret: expected a secret of at least 32 bytes, got 5/,
    ],
    [
      'a data folder that is a file',
      async () => ({ WARREN_DATA_DIR: join(await folderWith('file', 'data', ''), 'data') }),
      /the data directory .* cannot be used/,
    ],
    [
      'a registry that is not a database',
      async () => ({
        WARREN_DATA_DIR: await folderWith('garbage', 'warren.db', 'no database, but text of some length'.repeat(100)),
        WARREN_JWT_SECRET: secret,
      }),
      /not a database/,
    ],
    [
      'a broker URL that cannot be decoded',
      () => ({
        WARREN_BROKER_URL: 'amqp://warren:100%@127.0.0.1:1',
        WARREN_JWT_SECRET: secret,
        WARREN_DATA_DIR: join(folder, 'broker'),
      }),
      /^WARREN_BROKER_URL: the password has an invalid percent-encoding/,
    ],
    [
      'a database URL with a missing certificate',
      () => ({
        WARREN_DATABASE_URL: 'postgres://warren@127.0.0.1:1/warren?sslmode=verify-full&sslrootcert=/nowhere/ca.pem',
        WARREN_JWT_SECRET: secret,
        WARREN_DATA_DIR: join(folder, 'certificate'),
      }),
      /^WARREN_DATABASE_URL: .*\/nowhere\/ca\.pem/,
    ],
  ])('%s', async (_what, env, sentence) => {
    const config = configOf(await env())
    await expect(checkStart(config)).rejects.toThrow(sentence)
    // Not only the check: the gateway does not open either.
    const opened = openApp(config).then(async (app) => {
      await app.close()
      return 'open'
    })
    await expect(opened).rejects.toThrow()
  })

  test('with the same sentence and status', async () => {
    const env = { WARREN_DATA_DIR: await folderWith('same', 'jwt-secret', 'short'), WARREN_PORT: '0' }
    const [start, check] = await Promise.all([runWarren(['start'], env), runWarren(['check-config'], env)])
    expect(check).toEqual(start)
    expect(check).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/^[^\n]*got 5[^\n]*\n$/) })
  })
})
