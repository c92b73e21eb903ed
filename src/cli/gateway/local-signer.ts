import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readOrCreateSecret, secretFileName } from '../../auth/secret.ts'
import { hmacSigner, type TokenSigner } from '../../auth/tokens/jwt.ts'
import type { Config, OptionName } from '../../config/options/options.ts'
import { CommandFailure } from '../failure.ts'

/** The options with the location of the secret. */
export const secretOptions = ['jwtSecret', 'dataDir'] as const satisfies readonly OptionName[]

/**
 * Signs tokens as the gateway with this configuration does. `create`: create the secret if it is
 * missing, so that the gateway uses it later.
 */
export async function localSigner(config: Config, { create }: { create: boolean }): Promise<TokenSigner> {
  return hmacSigner({ secret: config.jwtSecret ?? (await generatedSecret(config.dataDir, create)) })
}

async function generatedSecret(dataDir: string, create: boolean): Promise<string> {
  if (!existsSync(join(dataDir, secretFileName))) {
    if (!create) {
      throw new CommandFailure(
        `WARREN_JWT_SECRET: not set, and ${dataDir} has no generated secret; set it, or use --data-dir or --token`,
      )
    }
    process.stderr.write(`No secret yet: generating one in ${dataDir}\n`)
  }
  return (await readOrCreateSecret(dataDir)).secret
}

/** Lifetime of an operator token that a command signs for itself, in seconds. */
const ownTokenSeconds = 3_600

export async function operatorToken(config: Config): Promise<string> {
  const signer = await localSigner(config, { create: false })
  return (await signer.sign({ scope: ['operator'], ttlSeconds: ownTokenSeconds })).token
}
