import type { Identity } from '../../core/model/identity.ts'
import { GatewayError } from '../../errors.ts'
import { memberOf } from './packet.ts'
import { TokenRefused } from './refusal.ts'

export interface Introduction {
  readonly identity: Identity
  /** A bad token does not keep a client out: it is told, and comes in as nobody. */
  readonly refused?: TokenRefused
}

/** Who a client says it is in its handshake. Rejects only where nobody could say. */
export async function introductionOf(
  data: unknown,
  { nobody, identify }: { readonly nobody: Identity; readonly identify: (token: string) => Promise<Identity> },
): Promise<Introduction> {
  const token = memberOf(data, 'authToken')
  if (typeof token !== 'string' || token === '') return { identity: nobody }
  try {
    return { identity: await identify(token) }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { identity: nobody, refused: new TokenRefused(error) }
  }
}
