import { networkOf } from '../limits/network-address.ts'
import type { Identity } from '../model/identity.ts'

/**
 * The key that a caller's use of memory and connections is charged to: its client id, or its
 * network if it has no client id. Undefined if neither applies, as for callers in this process:
 * then no share is counted.
 */
export function payerOf({ clientId }: Pick<Identity, 'clientId'>, address: string | undefined): string | undefined {
  if (clientId !== undefined) return `client ${clientId}`
  return address === undefined || address === '' ? undefined : `address ${networkOf(address)}`
}
