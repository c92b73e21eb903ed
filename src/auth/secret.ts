import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errorText } from '../core/model/error-text.ts'

const secretBytes = 32
/** Where a deployment that was given no secret keeps its own, in the data directory. */
export const secretFileName = 'jwt-secret'

/**
 * The secret in `<dataDir>/jwt-secret`, made there if it is missing: 32 random bytes in base64url,
 * for the owner's eyes alone. Processes that start at once agree. Rejects with a sentence that
 * names the file or the directory.
 */
export async function readOrCreateSecret(dataDir: string): Promise<{ secret: string; generated: true }> {
  const file = join(dataDir, secretFileName)
  try {
    return { secret: (await readSecret(file)) ?? (await createSecret(dataDir, file)), generated: true }
  } catch (error) {
    if (error instanceof UnusableSecret) throw error
    const reason = errorText(error)
    throw new Error(`the secret cannot be kept in the data directory ${dataDir}: ${reason}`, { cause: error })
  }
}

/**
 * Rejects where `readOrCreateSecret` would find a secret there that it does not take. Makes none.
 */
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
      `${file}: expected a secret of at least ${secretBytes} bytes, got ${bytes}; remove it to have one made`,
    )
  }
  return secret
}

/**
 * Written whole under another name first; `link` then fails for all but one, and nobody reads half
 * a secret.
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
  if (secret === undefined) throw new Error(`${file} was removed while it was made`)
  return secret
}
