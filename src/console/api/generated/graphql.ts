/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type BrokerState =
  /** RabbitMQ cannot be reached. Clients stay connected and get the missed events when it is back. */
  | 'DOWN'
  /** The gateway reads the journal and is up to date. */
  | 'UP';

export type ClientFilter =
  | 'BANNED'
  | 'DROPPING'
  | 'OFFLINE'
  | 'ONLINE'
  | 'SLOW';

/** The largest value first; client ids in ascending order. */
export type ClientSort =
  | 'CLIENT_ID'
  | 'DELIVERED'
  | 'DROPPED'
  | 'LAG'
  | 'PENDING';

export type CreateClientChannelInput = {
  clientId: string | number;
  email: string;
  name: string;
  password: string;
};

/** A message, a notice that events are missing, or a fresh cursor of an idle channel. */
export type EventKind =
  | 'CHECKPOINT'
  | 'GAP'
  | 'MESSAGE';

export type GapReason =
  /** Warren did not issue this cursor. */
  | 'INVALID_CURSOR'
  /** The journal was replaced, or the cursor belongs to another deployment. */
  | 'JOURNAL_REPLACED'
  /** The client was too slow and its overflow policy dropped the events. They can still be read after `oldest`. */
  | 'OVERFLOW'
  /** The journal no longer contains the events. */
  | 'RETENTION'
  /** The journal has a message that RabbitMQ cannot deliver to any consumer. Its clients are unknown, so every subscription gets this gap. */
  | 'UNREADABLE';

/** What a replica did with a message when it arrived. */
export type MessageFate =
  /** At least one subscription on this replica received it. */
  | 'DELIVERED'
  /** Only typed fields are for it, and they exclude it: its event type, or their own conditions. */
  | 'FILTERED'
  | 'HEARD'
  /** Only typed fields are for it, and it does not fit their types. */
  | 'INVALID'
  /** It is for clients that had no subscription on this replica. */
  | 'NO_SUBSCRIBER'
  /** Its body could not be read. */
  | 'QUARANTINED'
  /** It repeats an earlier message: a publisher published it again. */
  | 'REPEATED'
  | 'UNHEARD'
  /** No source found a client for it. */
  | 'UNMATCHED';

export type ReplicaState =
  /** It is more than a second behind the journal's end. */
  | 'BEHIND'
  /** It cannot read the journal; `reason` says why. */
  | 'BROKER_DOWN'
  /** It ends its sessions and takes no new ones. */
  | 'DRAINING'
  /** It has announced its end. */
  | 'ENDED'
  /** It reads the journal to its end. */
  | 'SERVING'
  /** It did not answer in time. */
  | 'SILENT';

export type ClientFragment = { clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number };

export type ClientsQueryVariables = Exact<{
  search?: string | null | undefined;
  only?: ClientFilter | null | undefined;
  sort?: ClientSort | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ClientsQuery = { clients: { endCursor: string | null, hasMore: boolean, unanswered: Array<string>, at: string, nodes: Array<{ clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number }>, counts: { registered: number, online: number, slow: number, dropping: number, banned: number } } };

export type ClientDetailQueryVariables = Exact<{
  clientId: string | number;
}>;


export type ClientDetailQuery = { client: { clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number } | null, sessions: { clientId: string, banned: boolean, unanswered: Array<string>, sessions: Array<{ id: string, replica: string, transport: string, address: string, since: string, expiresAt: string | null, scope: Array<string>, queuedBytes: number, pending: number, delivered: number, dropped: number, slow: boolean, subscriptionCount: number, subscriptions: Array<{ field: string, topic: string, since: string, overflow: string, cursor: string | null, offset: number | null, lagMs: number, pending: number, queuedBytes: number, delivered: number, dropped: number, slow: boolean }> }> } };

export type DisconnectMutationVariables = Exact<{
  session: string | number;
}>;


export type DisconnectMutation = { disconnect: boolean };

export type RevokeMutationVariables = Exact<{
  clientId: string | number;
}>;


export type RevokeMutation = { revoke: boolean };

export type BanMutationVariables = Exact<{
  clientId: string | number;
}>;


export type BanMutation = { ban: boolean };

export type UnbanMutationVariables = Exact<{
  clientId: string | number;
}>;


export type UnbanMutation = { unban: boolean };

export type CreateClientMutationVariables = Exact<{
  input: CreateClientChannelInput;
}>;


export type CreateClientMutation = { createClientChannel: { token: string, expiresAt: string, channel: { clientId: string } } };

export type ListenAsSubscriptionVariables = Exact<{
  clientId: string | number;
  after?: string | null | undefined;
}>;


export type ListenAsSubscription = { channel: { kind: EventKind, cursor: string, data: unknown, type: string | null, messageId: string | null, exchange: string | null, routingKey: string | null, receivedAt: string, gap: { reason: GapReason, oldest: string | null, dropped: number | null } | null } };

export type ReplicaFragment = { name: string, answered: boolean, heardAt: string, state: ReplicaState, reason: string | null, version: string, startedAt: string, uptimeMs: number | null, sessions: number | null, subscriptions: number | null, catchingUp: number | null, fellBehind: number | null, receivedPerSecond: number | null, deliveredPerSecond: number | null, lagMs: number | null, position: number | null, load: { cpu: number | null, loopDelayMs: number | null } | null, memory: { rssBytes: number, heapBytes: number } | null, hotWindow: { bytes: number, firstOffset: number | null, since: string | null, spanMs: number | null } | null, outbox: { bytes: number, bufferedBytes: number, waitingSessions: number } | null };

export type AccountFragment = { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number };

export type StatsSubscriptionVariables = Exact<{
  every?: number | null | undefined;
}>;


export type StatsSubscription = { gatewayStats: { at: string, spanMs: number, receivedPerSecond: number | null, deliveredPerSecond: number | null, sessions: number, unanswered: Array<string>, bySource: Array<{ source: string, exchange: string | null, receivedPerSecond: number | null, total: number }>, byTransport: Array<{ transport: string, sessions: number, subscriptions: number, deliveredPerSecond: number | null, droppedPerSecond: number | null }>, byField: Array<{ field: string, matchedPerSecond: number | null, deliveredPerSecond: number | null, filteredPerSecond: number | null, invalidPerSecond: number | null }>, byOutcome: Array<{ outcome: MessageFate, perSecond: number | null, total: number }>, deliveryTimes: { p50Ms: number | null, p99Ms: number | null }, accounts: { at: string, unanswered: Array<string>, total: { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number }, byTransport: Array<{ transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number }>, byReplica: Array<{ replica: string, startedAt: string, account: { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number } }> }, replicas: Array<{ name: string, answered: boolean, heardAt: string, state: ReplicaState, reason: string | null, version: string, startedAt: string, uptimeMs: number | null, sessions: number | null, subscriptions: number | null, catchingUp: number | null, fellBehind: number | null, receivedPerSecond: number | null, deliveredPerSecond: number | null, lagMs: number | null, position: number | null, load: { cpu: number | null, loopDelayMs: number | null } | null, memory: { rssBytes: number, heapBytes: number } | null, hotWindow: { bytes: number, firstOffset: number | null, since: string | null, spanMs: number | null } | null, outbox: { bytes: number, bufferedBytes: number, waitingSessions: number } | null }> } };

export type BrokerQueryVariables = Exact<{ [key: string]: never; }>;


export type BrokerQuery = { gateway: { broker: BrokerState, version: string, replica: string } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const ClientFragmentDoc = new TypedDocumentString(`
    fragment Client on GatewayClient {
  clientId
  name
  createdAt
  registered
  online
  banned
  slow
  sessions
  transports
  replicas
  offset
  lagMs
  pending
  queuedBytes
  delivered
  dropped
}
    `, {"fragmentName":"Client"}) as unknown as TypedDocumentString<ClientFragment, unknown>;
export const ReplicaFragmentDoc = new TypedDocumentString(`
    fragment Replica on GatewayReplica {
  name
  answered
  heardAt
  state
  reason
  version
  startedAt
  uptimeMs
  sessions
  subscriptions
  catchingUp
  fellBehind
  receivedPerSecond
  deliveredPerSecond
  lagMs
  position
  load {
    cpu
    loopDelayMs
  }
  memory {
    rssBytes
    heapBytes
  }
  hotWindow {
    bytes
    firstOffset
    since
    spanMs
  }
  outbox {
    bytes
    bufferedBytes
    waitingSessions
  }
}
    `, {"fragmentName":"Replica"}) as unknown as TypedDocumentString<ReplicaFragment, unknown>;
export const AccountFragmentDoc = new TypedDocumentString(`
    fragment Account on DeliveryAccount {
  transport
  matched
  delivered
  filtered
  dropped
  pending
  difference
}
    `, {"fragmentName":"Account"}) as unknown as TypedDocumentString<AccountFragment, unknown>;
export const ClientsDocument = new TypedDocumentString(`
    query Clients($search: String, $only: ClientFilter, $sort: ClientSort, $first: Int, $after: String) {
  clients(search: $search, only: $only, sort: $sort, first: $first, after: $after) {
    nodes {
      ...Client
    }
    endCursor
    hasMore
    counts {
      registered
      online
      slow
      dropping
      banned
    }
    unanswered
    at
  }
}
    fragment Client on GatewayClient {
  clientId
  name
  createdAt
  registered
  online
  banned
  slow
  sessions
  transports
  replicas
  offset
  lagMs
  pending
  queuedBytes
  delivered
  dropped
}`) as unknown as TypedDocumentString<ClientsQuery, ClientsQueryVariables>;
export const ClientDetailDocument = new TypedDocumentString(`
    query ClientDetail($clientId: ID!) {
  client(clientId: $clientId) {
    ...Client
  }
  sessions(clientId: $clientId) {
    clientId
    banned
    unanswered
    sessions {
      id
      replica
      transport
      address
      since
      expiresAt
      scope
      queuedBytes
      pending
      delivered
      dropped
      slow
      subscriptionCount
      subscriptions {
        field
        topic
        since
        overflow
        cursor
        offset
        lagMs
        pending
        queuedBytes
        delivered
        dropped
        slow
      }
    }
  }
}
    fragment Client on GatewayClient {
  clientId
  name
  createdAt
  registered
  online
  banned
  slow
  sessions
  transports
  replicas
  offset
  lagMs
  pending
  queuedBytes
  delivered
  dropped
}`) as unknown as TypedDocumentString<ClientDetailQuery, ClientDetailQueryVariables>;
export const DisconnectDocument = new TypedDocumentString(`
    mutation Disconnect($session: ID!) {
  disconnect(session: $session)
}
    `) as unknown as TypedDocumentString<DisconnectMutation, DisconnectMutationVariables>;
export const RevokeDocument = new TypedDocumentString(`
    mutation Revoke($clientId: ID!) {
  revoke(clientId: $clientId)
}
    `) as unknown as TypedDocumentString<RevokeMutation, RevokeMutationVariables>;
export const BanDocument = new TypedDocumentString(`
    mutation Ban($clientId: ID!) {
  ban(clientId: $clientId)
}
    `) as unknown as TypedDocumentString<BanMutation, BanMutationVariables>;
export const UnbanDocument = new TypedDocumentString(`
    mutation Unban($clientId: ID!) {
  unban(clientId: $clientId)
}
    `) as unknown as TypedDocumentString<UnbanMutation, UnbanMutationVariables>;
export const CreateClientDocument = new TypedDocumentString(`
    mutation CreateClient($input: CreateClientChannelInput!) {
  createClientChannel(input: $input) {
    token
    expiresAt
    channel {
      clientId
    }
  }
}
    `) as unknown as TypedDocumentString<CreateClientMutation, CreateClientMutationVariables>;
export const ListenAsDocument = new TypedDocumentString(`
    subscription ListenAs($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) {
    kind
    cursor
    data
    type
    messageId
    exchange
    routingKey
    receivedAt
    gap {
      reason
      oldest
      dropped
    }
  }
}
    `) as unknown as TypedDocumentString<ListenAsSubscription, ListenAsSubscriptionVariables>;
export const StatsDocument = new TypedDocumentString(`
    subscription Stats($every: Int) {
  gatewayStats(every: $every) {
    at
    spanMs
    receivedPerSecond
    deliveredPerSecond
    sessions
    bySource {
      source
      exchange
      receivedPerSecond
      total
    }
    byTransport {
      transport
      sessions
      subscriptions
      deliveredPerSecond
      droppedPerSecond
    }
    byField {
      field
      matchedPerSecond
      deliveredPerSecond
      filteredPerSecond
      invalidPerSecond
    }
    byOutcome {
      outcome
      perSecond
      total
    }
    deliveryTimes {
      p50Ms
      p99Ms
    }
    accounts {
      at
      total {
        ...Account
      }
      byTransport {
        ...Account
      }
      byReplica {
        replica
        startedAt
        account {
          ...Account
        }
      }
      unanswered
    }
    replicas {
      ...Replica
    }
    unanswered
  }
}
    fragment Replica on GatewayReplica {
  name
  answered
  heardAt
  state
  reason
  version
  startedAt
  uptimeMs
  sessions
  subscriptions
  catchingUp
  fellBehind
  receivedPerSecond
  deliveredPerSecond
  lagMs
  position
  load {
    cpu
    loopDelayMs
  }
  memory {
    rssBytes
    heapBytes
  }
  hotWindow {
    bytes
    firstOffset
    since
    spanMs
  }
  outbox {
    bytes
    bufferedBytes
    waitingSessions
  }
}
fragment Account on DeliveryAccount {
  transport
  matched
  delivered
  filtered
  dropped
  pending
  difference
}`) as unknown as TypedDocumentString<StatsSubscription, StatsSubscriptionVariables>;
export const BrokerDocument = new TypedDocumentString(`
    query Broker {
  gateway {
    broker
    version
    replica
  }
}
    `) as unknown as TypedDocumentString<BrokerQuery, BrokerQueryVariables>;