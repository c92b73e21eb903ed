import { networkOf } from '../limits/network-address.ts'
import type { Identity } from '../model/identity.ts'

/**
 * Who pays for what a caller makes the gateway hold: its client id, or its network where its token
 * has none or it has no token. Undefined where neither means anything, as within this process: then
 * nobody's share is counted.
 */
export function payerOf({ clientId }: Pick<Identity, 'clientId'>, address: string | undefined): string | undefined {
  if (clientId !== undefined) return `client ${clientId}`
  return address === undefined || address === '' ? undefined : `address ${networkOf(address)}`
}
