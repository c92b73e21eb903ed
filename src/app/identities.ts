import { readOrCreateSecret } from '../auth/secret.ts'
import { eitherVerifier } from '../auth/tokens/either-verifier.ts'
import { jwksVerifier } from '../auth/tokens/jwks.ts'
import { hmacSigner, hmacVerifier, type TokenSigner } from '../auth/tokens/jwt.ts'
import type { TokenVerifier } from '../auth/tokens/token-verifier.ts'
import type { Config } from '../config/options/options.ts'

/** Issues and verifies tokens. */
export interface Identities {
  readonly secret: string
  /** Whether the secret was generated at this start, so that no client has a token yet. */
  readonly secretGenerated: boolean
  readonly signer: TokenSigner
  readonly verifier: TokenVerifier
}

export async function openIdentities(config: Config): Promise<Identities> {
  const { secret, generated } =
    config.jwtSecret === undefined
      ? await readOrCreateSecret(config.dataDir)
      : { secret: config.jwtSecret, generated: false }
  return {
    secret,
    secretGenerated: generated,
    signer: hmacSigner({ secret }),
    verifier: verifierOf(config, secret),
  }
}

function verifierOf(config: Config, secret: string): TokenVerifier {
  const own = hmacVerifier({ secret })
  if (config.jwksUrl === undefined) return own
  return eitherVerifier(
    own,
    jwksVerifier({
      url: new URL(config.jwksUrl),
      issuer: config.jwtIssuer,
      audience: config.jwtAudience,
      reservedPrefix: config.registrationPrefix,
    }),
  )
}
