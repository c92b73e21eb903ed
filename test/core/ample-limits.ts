import type { GatewayParts } from '../../src/core/gateway-parts.ts'
import { overflowPolicies } from '../../src/core/model/overflow-policy.ts'

/** Limits that no test reaches by accident. */
export const ampleLimits: GatewayParts['limits'] = {
  maxDecodedBytes: 4 * 1024 * 1024,
  maxSubscriptions: 1_000,
  maxSubscribeRate: 1_000_000,
  maxBufferedBytes: 64 * 1024,
  positionTtlMs: 86_400_000,
  publishTimeoutMs: 1_000,
  publishExchanges: ['sources'],
  maxConnections: 1_000,
  maxConnectionsPerAddress: 1_000,
  maxConnectionsPerClient: 1_000,
  anonymousIdleMs: 60_000,
  maxClientSubscriptions: 1_000,
  overflow: overflowPolicies,
}
