import { readOrCreateSecret } from '../auth/secret.ts'
import { eitherVerifier, verifierByIssuer } from '../auth/tokens/either-verifier.ts'
import { jwksVerifier } from '../auth/tokens/jwks.ts'
import { hmacSigner, hmacVerifier, type TokenSigner } from '../auth/tokens/jwt.ts'
import type { TokenVerifier } from '../auth/tokens/token-verifier.ts'
import { type IdentityProvider, identityProvidersOf } from '../config/checks/identity-providers.ts'
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
  const [first, ...others] = identityProvidersOf(config)
  if (!first) return own
  if (others.length === 0) return eitherVerifier(own, providerVerifier(first))
  const all = [first, ...others].map((provider) => [provider.issuer ?? '', providerVerifier(provider)] as const)
  return eitherVerifier(own, verifierByIssuer(new Map(all)))
}

function providerVerifier({ url, ...provider }: IdentityProvider): TokenVerifier {
  return jwksVerifier({ ...provider, url: new URL(url) })
}
