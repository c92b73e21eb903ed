import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { checkSecretFile, readOrCreateSecret } from '../../src/auth/secret.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const run = promisify(execFile)

describe('the generated secret', () => {
  let dataDir: string
  beforeEach(() => {
    dataDir = join(newFolder(), 'data')
  })
  afterEach(() => removeFolder(join(dataDir, '..')))

  test('is 32 random bytes, created once and kept', async () => {
    const made = await readOrCreateSecret(dataDir)
    expect(made.generated).toBe(true)
    expect(Buffer.from(made.secret, 'base64url')).toHaveLength(32)
    expect(await readOrCreateSecret(dataDir)).toEqual(made)
  })

  test('is readable for its owner only, and leaves no temporary files', async () => {
    await readOrCreateSecret(dataDir)
    expect((await stat(join(dataDir, 'jwt-secret'))).mode & 0o777).toBe(0o600)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect(await readdir(dataDir)).toEqual(['jwt-secret'])
  })

  test('is the same for all that create it at once, in one process or several', async () => {
    const program = `
      import { readOrCreateSecret } from ${JSON.stringify(import.meta.resolve('../../src/auth/secret.ts'))}
      const made = await Promise.all(Array.from({ length: 20 }, () => readOrCreateSecret(${JSON.stringify(dataDir)})))
      console.log([...new Set(made.map(({ secret }) => secret))].join())`
    const outputs = await Promise.all(
      Array.from({ length: 3 }, () =>
        run(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program]),
      ),
    )
    const { secret } = await readOrCreateSecret(dataDir)
    expect(outputs.map(({ stdout }) => stdout.trim())).toEqual([secret, secret, secret])
  })

  test('rejects a truncated secret and names the file', async () => {
    await readOrCreateSecret(dataDir)
    await writeFile(join(dataDir, 'jwt-secret'), 'short\n')
    await expect(readOrCreateSecret(dataDir)).rejects.toThrow(
      new RegExp(`^${join(dataDir, 'jwt-secret')}: expected a secret of at least 32 bytes, got 5`),
    )
    await expect(checkSecretFile(dataDir)).rejects.toThrow('got 5')
  })

  test('may have 32 bytes of any kind, and white space around them', async () => {
    await mkdir(dataDir)
    await writeFile(join(dataDir, 'jwt-secret'), `  ${'ü'.repeat(16)}\r\n`)
    expect((await readOrCreateSecret(dataDir)).secret).toBe('ü'.repeat(16))
  })

  test('is the same for all that create it at once in this process', async () => {
    const below = join(dataDir, 'a', 'b')
    const made = await Promise.all(Array.from({ length: 10 }, () => readOrCreateSecret(below)))
    const { secret } = await readOrCreateSecret(below)
    expect(made.map((one) => one.secret)).toEqual(made.map(() => secret))
    expect(await readFile(join(below, 'jwt-secret'), 'utf8')).toBe(`${secret}\n`)
    expect(await readdir(below)).toEqual(['jwt-secret'])
  })

  test('is checked without being created', async () => {
    await checkSecretFile(dataDir)
    await expect(stat(dataDir)).rejects.toThrow('ENOENT')
  })

  test('is not replaced if it cannot be read', async () => {
    await mkdir(join(dataDir, 'jwt-secret'), { recursive: true })
    await expect(readOrCreateSecret(dataDir)).rejects.toMatchObject({
      message: expect.stringContaining('cannot be stored in the data directory'),
      cause: { code: 'EISDIR' },
    })
    await expect(checkSecretFile(dataDir)).rejects.toThrow('EISDIR')
  })

  test('names the directory if it cannot be written', async () => {
    const file = join(dataDir, '..', 'file')
    await writeFile(file, '')
    await expect(readOrCreateSecret(join(file, 'data'))).rejects.toThrow(
      `the secret cannot be stored in the data directory ${join(file, 'data')}: `,
    )
  })
})
