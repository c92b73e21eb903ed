import type { Identity } from '../../core/model/identity.ts'
import { GatewayError } from '../../errors.ts'
import { memberOf } from './packet.ts'
import { TokenRefused } from './refusal.ts'

export interface Introduction {
  readonly identity: Identity
  /** The token was invalid. The client is informed of it and is anonymous. */
  readonly refused?: TokenRefused
}

/** Authenticates the client by its handshake. Rejects only on unexpected errors. */
export async function introductionOf(
  data: unknown,
  { anonymous, identify }: { readonly anonymous: Identity; readonly identify: (token: string) => Promise<Identity> },
): Promise<Introduction> {
  const token = memberOf(data, 'authToken')
  if (typeof token !== 'string' || token === '') return { identity: anonymous }
  try {
    return { identity: await identify(token) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { identity: anonymous, refused: new TokenRefused(error) }
  }
}
