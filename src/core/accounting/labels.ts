/** The values of metric labels: lists in the code, never from clients. */

export const transportNames = ['graphql-ws', 'sse', 'socketcluster', 'websocket', 'tcp', 'in-process'] as const
export type TransportName = (typeof transportNames)[number]

export const quarantineReasons = [
  'broken-json',
  'unknown-encoding',
  'broken-encoding',
  'too-large',
  'too-deep',
  /** RabbitMQ does not take it into the journal; only of a buffered source. */
  'refused',
] as const
export type QuarantineReason = (typeof quarantineReasons)[number]

export const messageOutcomes = [
  /** At least one subscription was given it. */
  'delivered',
  /** It has clients, and none of them listens on this replica. */
  'no_subscriber',
  /** No source says whose it is. */
  'unmatched',
  /** It stood in the journal before. */
  'repeated',
  'quarantined',
] as const
export type MessageOutcome = (typeof messageOutcomes)[number]

export const dropReasons = [
  /**
   * The subscription ended while events waited for its client: whoever comes back with a cursor is
   * given them then.
   */
  'ended',
  /** Taken away by the overflow policy of its subscription: `CONFLATE`, `DROP_OLDEST`. */
  'conflated',
  'overflow',
] as const
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
  'internal-error',
  'revoked',
  'idle',
] as const
export type SessionEnd = (typeof sessionEnds)[number]
