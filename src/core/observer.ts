import type { ErrorCode } from '../errors.ts'

/**
 * What the gateway tells whoever watches it. Implemented by `observability/`; the default hears nothing. Called on hot
 * paths: no method may block or throw. Labels come from the lists here, never from clients.
 */
export interface Observer {
  log(level: 'debug' | 'info' | 'warn' | 'error', text: string, details?: Record<string, unknown>): void
  messageReceived(source: string): void
  messageQuarantined(reason: QuarantineReason): void
  delivered(transport: TransportName, count: number): void
  /** A message that the overflow policy of its subscription took away. */
  dropped(reason: DropReason): void
  /** Broker receipt to socket write, in seconds. */
  deliveryTook(seconds: number): void
  resumed(result: 'resumed' | 'gap'): void
  sessionStarted(transport: TransportName): void
  sessionEnded(transport: TransportName, reason: SessionEnd): void
  subscriptionStarted(transport: TransportName): void
  subscriptionEnded(transport: TransportName): void
  /** A request was answered with an error, or a connection not taken. */
  refused(code: ErrorCode): void
  brokerUp(up: boolean): void
  executed(): void
  outboxBytes(change: number): void
}

export const transportNames = ['graphql-ws', 'sse', 'socketcluster', 'websocket', 'tcp', 'in-process'] as const
export type TransportName = (typeof transportNames)[number]

export const quarantineReasons = [
  'broken-json',
  'unknown-encoding',
  'broken-encoding',
  'too-large',
  'too-deep',
] as const
export type QuarantineReason = (typeof quarantineReasons)[number]

/** By overflow policy: `CONFLATE`, `DROP_OLDEST`. */
export const dropReasons = ['conflated', 'overflow'] as const
export type DropReason = (typeof dropReasons)[number]

export const sessionEnds = [
  'client',
  'lost',
  'restart',
  'bad-request',
  'unauthorized',
  'forbidden',
  'too-many',
  'slow-consumer',
  'token-expired',
  'revoked',
] as const
export type SessionEnd = (typeof sessionEnds)[number]
