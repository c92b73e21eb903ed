import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { secretFileName } from '../../auth/secret.ts'
import { checkTogether } from '../../config/checks/check-together.ts'
import type { Config } from '../../config/options/options.ts'
import { errorText } from '../../core/model/error-text.ts'
import type { Finding } from '../../core/ports/finding.ts'

/** 32 random bytes contain more distinct bytes than this in any encoding. */
const minDistinctBytes = 10

/** Checks whether a generated secret is allowed here, and whether a given one looks guessable. */
export async function checkSecret(config: Config): Promise<Finding[]> {
  const { jwtSecret, dataDir } = config
  if (jwtSecret !== undefined) {
    const text = `given, ${Buffer.byteLength(jwtSecret)} bytes`
    if (new Set(Buffer.from(jwtSecret)).size >= minDistinctBytes) return [{ check: 'secret', status: 'ok', text }]
    const advice = 'use a random one: openssl rand -base64 32'
    return [{ check: 'secret', status: 'warn', text: `${text} with few distinct values`, advice }]
  }
  try {
    checkTogether(config, { secretGenerated: true })
  } catch (error) {
    const advice = 'run openssl rand -base64 32 > secret, and set WARREN_JWT_SECRET_FILE=secret'
    return [{ check: 'secret', status: 'fail', text: errorText(error), advice }]
  }
  const file = join(dataDir, secretFileName)
  const mode = await stat(file).then(
    (found) => found.mode,
    () => undefined,
  )
  if (mode === undefined)
    return [{ check: 'secret', status: 'ok', text: `not generated yet: the gateway creates ${file}` }]
  const text = `generated, in ${file}`
  if ((mode & 0o077) === 0) return [{ check: 'secret', status: 'ok', text }]
  return [
    {
      check: 'secret',
      status: 'warn',
      text: `${text}, which other users of this machine can read`,
      advice: `chmod 600 ${file}`,
    },
  ]
}
