import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText } from '../core/model/error-text.ts'

const secretBytes = 32
/**
 * File in the data directory that holds the generated secret of a deployment that was given none.
 */
export const secretFileName = 'jwt-secret'

/**
 * Reads the secret from `<dataDir>/jwt-secret`. If the file is missing, creates it with 32 random
 * bytes in base64url, readable by the owner only. Processes that start at the same time agree on
 * one secret. Rejects with an error that names the file or the directory.
 */
export async function readOrCreateSecret(dataDir: string): Promise<{ secret: string; generated: true }> {
  const file = join(dataDir, secretFileName)
  try {
    return { secret: (await readSecret(file)) ?? (await createSecret(dataDir, file)), generated: true }
  } catch (error) {
    if (error instanceof UnusableSecret) throw error
    const reason = errorText(error)
    throw new Error(`the secret cannot be stored in the data directory ${dataDir}: ${reason}`, { cause: error })
  }
}

/** Rejects if `readOrCreateSecret` would find an unusable secret there. Creates nothing. */
export async function checkSecretFile(dataDir: string): Promise<void> {
  await readSecret(join(dataDir, secretFileName))
}

class UnusableSecret extends Error {}

async function readSecret(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const secret = text.trim()
  const bytes = Buffer.byteLength(secret)
  if (bytes < secretBytes) {
    throw new UnusableSecret(
      `${file}: expected a secret of at least ${secretBytes} bytes, got ${bytes}; remove it to generate one`,
    )
  }
  return secret
}

/**
 * Writes the whole secret under a temporary name first. `link` then succeeds for one process only,
 * and no process reads a partial secret.
 */
async function createSecret(dataDir: string, file: string): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(`${randomBytes(secretBytes).toString('base64url')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(draft, { force: true })
  }
  const secret = await readSecret(file)
  if (secret === undefined) throw new Error(`${file} was removed while it was being created`)
  return secret
}
