/** The values of metric labels. They are lists in the code and never come from clients. */

export const transportNames = [
  'graphql-ws',
  /** The subprotocol of subscriptions-transport-ws. */
  'graphql-ws-legacy',
  'sse',
  'multipart',
  'callback',
  'socketcluster',
  'websocket',
  'tcp',
  'in-process',
] as const
export type TransportName = (typeof transportNames)[number]

export const quarantineReasons = [
  'broken-json',
  'unknown-encoding',
  'broken-encoding',
  'too-large',
  'too-deep',
  /** RabbitMQ does not accept it into the journal. Only for buffered sources. */
  'refused',
  /** It does not fit the type of a typed field. Other fields and channels may have received it. */
  'schema',
] as const
export type QuarantineReason = (typeof quarantineReasons)[number]

export const messageOutcomes = [
  /** At least one subscription received it. */
  'delivered',
  /** It is for clients without a subscription on this replica. */
  'no_subscriber',
  /** No source found a client for it. */
  'unmatched',
  /** It repeats an earlier entry of the journal. */
  'repeated',
  'quarantined',
  /** Only typed fields are for it, and they exclude it: its event type, or their own conditions. */
  'filtered',
  /** Only typed fields are for it, and it does not fit their types. */
  'invalid',
] as const
export type MessageOutcome = (typeof messageOutcomes)[number]

/** The outcomes as release 0.1 spelled them, for the metric of that release. */
export const formerOutcomes = {
  delivered: 'heard',
  no_subscriber: 'unheard',
  unmatched: 'unmatched',
  repeated: 'repeated',
  quarantined: 'quarantined',
  filtered: 'unmatched',
  invalid: 'quarantined',
} as const satisfies Record<MessageOutcome, string>
export type FormerOutcome = (typeof formerOutcomes)[MessageOutcome]

/** Of a message that the gateway publishes for itself or for a `@publish` field. */
export const publicationResults = [
  'confirmed',
  /** The broker or the schema refused it. It is not repeated. */
  'failed',
] as const
export type PublicationResult = (typeof publicationResults)[number]

export const offlineBounds = [
  /** A quiet period ended early, because too many clients are remembered. */
  'evicted',
  /** A notice was dropped, because too many clients wait for one. */
  'dropped',
  /** Notices were left waiting by one of the four checks of a second. */
  'rate',
] as const
export type OfflineBound = (typeof offlineBounds)[number]

export const dropReasons = [
  /**
   * The subscription ended while events waited for its client. A client that resumes with its
   * cursor receives them then.
   */
  'ended',
  /**
   * Dropped by the overflow policy of the subscription: `CONFLATE`, or `DROP_OLDEST` (`overflow`).
   */
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
