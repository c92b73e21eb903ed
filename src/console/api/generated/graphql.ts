/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type BodyEncoding =
  | 'BASE64'
  | 'TEXT';

export type ClientFilter =
  | 'BANNED'
  | 'DROPPING'
  | 'OFFLINE'
  | 'ONLINE'
  | 'SLOW';

/** Where a message names its client id. */
export type ClientIdSource =
  {   /** The JSON pointer (RFC 6901) to the client id in a JSON body. A list there names several clients. */
  bodyPointer: string; everyone?: never; fixed?: never; header?: never; }
  |  { bodyPointer?: never;   /** All messages are for every client. */
  everyone: boolean; fixed?: never; header?: never; }
  |  { bodyPointer?: never; everyone?: never;   /** All messages are for this client. */
  fixed: string | number; header?: never; }
  |  { bodyPointer?: never; everyone?: never; fixed?: never;   /** The header with the client id. */
  header: string; };

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

export type CreateRabbitChannelInput = {
  /** Puts a quorum queue between the exchange and the journal, for messages that a stream would refuse. All sources of an exchange must agree. */
  buffered?: boolean;
  /** Required if the pattern has neither {clientId} nor {clientId#}. */
  clientId?: ClientIdSource | null | undefined;
  exchange?: string;
  /** An existing exchange is used unchanged. A missing one is declared as durable. */
  exchangeType?: ExchangeType;
  /** A binding pattern. On a topic exchange, {clientId} stands for one word, and {clientId#}, as the last word, for the rest of the key. On the exchange of the default source, client.{clientId} means client.{clientId#}. */
  routingKey?: string;
};

/** A message, a notice that events are missing, or a fresh cursor of an idle channel. */
export type EventKind =
  | 'CHECKPOINT'
  | 'GAP'
  | 'MESSAGE';

export type ExchangeType =
  | 'DIRECT'
  | 'FANOUT'
  | 'HEADERS'
  | 'TOPIC';

/** What a typed field makes of a message, for the subscriptions that the replica has now. */
export type FieldOutcome =
  /** Its event type, or a condition of the schema, excludes it. */
  | 'FILTERED'
  /** It does not fit the type of the field; `detail` says where. */
  | 'INVALID'
  /** At least one subscription has its values. */
  | 'MATCHED'
  /** No subscription has its values; `detail` names the arguments. */
  | 'NOT_MATCHED'
  /** The field has no subscription on this replica. */
  | 'UNUSED';

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

export type HistorySpan =
  /** In points of four minutes. */
  | 'DAY'
  /** In points of ten seconds. */
  | 'HOUR';

/** What happens to a message that does not fit the type. */
export type InvalidEventPolicy =
  /** Clients get an error. */
  | 'DELIVER'
  /** Clients get null at the place that does not fit. */
  | 'NULL'
  /** It goes to the quarantine, and no client gets it. */
  | 'QUARANTINE';

/** A place in the journal. */
export type JournalPlace =
  {   cursor: string; messageId?: never; offset?: never; time?: never; }
  |  { cursor?: never;   /** Found as far as the replica remembers (WARREN_HOT_WINDOW). */
  messageId: string | number; offset?: never; time?: never; }
  |  { cursor?: never; messageId?: never;   offset: number; time?: never; }
  |  { cursor?: never; messageId?: never; offset?: never;   /** When a message was received. Exact as far as the replica remembers, before that roughly. */
  time: string; };

/** What a replica did with a message when it arrived. */
export type MessageOutcome =
  /** At least one subscription on this replica received it. */
  | 'DELIVERED'
  /** Only typed fields are for it, and they exclude it: its event type, or their own conditions. */
  | 'FILTERED'
  /** Only typed fields are for it, and it does not fit their types. */
  | 'INVALID'
  /** It is for clients that had no subscription on this replica. */
  | 'NO_SUBSCRIBER'
  /** Its body could not be read. */
  | 'QUARANTINED'
  /** It repeats an earlier message: a publisher published it again. */
  | 'REPEATED'
  /** No source found a client for it. */
  | 'UNMATCHED';

/** What you remember of a message. All members that are given must hold. */
export type MessagePicture = {
  /** The client that it is for. */
  clientId?: string | number | null | undefined;
  exchange?: string | null | undefined;
  /** Received at this time or later. */
  from?: string | null | undefined;
  /** A topic pattern. */
  routingKey?: string | null | undefined;
  /** What you know of it, such as `order 17`: the newest messages with these words in their id, or with an id that begins so. If there are none, those with each word in the routing key or the body. */
  search?: string | null | undefined;
  /** A text in the body, as it was published. */
  text?: string | null | undefined;
  /** Received at this time or earlier. */
  to?: string | null | undefined;
};

/** Where the value of an option came from. */
export type OptionOrigin =
  /** It was not set. */
  | 'DEFAULT'
  /** Warren derived it from other options or from the machine. */
  | 'DERIVED'
  /** A variable of the environment. */
  | 'ENVIRONMENT'
  /** WARREN_OPTIONS_FILE, or the file that a variable with _FILE names. */
  | 'FILE'
  /** A flag of the command line. */
  | 'FLAG';

export type ReplicaState =
  /** It is more than a second behind the journal's end. */
  | 'BEHIND'
  /** It cannot read the journal; `reason` says why. */
  | 'BROKER_DOWN'
  /** An operator has drained it. It takes no sessions until `undrain`. */
  | 'DRAINED'
  /** It ends its sessions and takes no new ones. */
  | 'DRAINING'
  /** It has announced its end. */
  | 'ENDED'
  /** It reads the journal to its end. */
  | 'SERVING'
  /** It did not answer in time. */
  | 'SILENT';

/** What replaces parts of the message. Everything else stays as it was published. */
export type RepublishEdit = {
  /** Must be readable for the content type. */
  body?: string | null | undefined;
  contentType?: string | null | undefined;
  exchange?: string | null | undefined;
  routingKey?: string | null | undefined;
};

export type SchemaProblemSeverity =
  /** The gateway would not serve it. */
  | 'ERROR'
  /** The gateway would serve it. */
  | 'REMARK';

export type SourceOrigin =
  /** It was created by `createRabbitChannel`, a command or WARREN_SOURCES. */
  | 'API'
  /** The default source. */
  | 'DEFAULT'
  /** A typed field reads its messages (WARREN_SCHEMA). */
  | 'SCHEMA';

/** All members that are given must hold. */
export type TailFilter = {
  exchange?: string | null | undefined;
  /** Only messages with one of these outcomes. */
  outcomes?: Array<MessageOutcome> | null | undefined;
  /** A topic pattern. */
  routingKey?: string | null | undefined;
  /** A text in the body, as it was published. */
  text?: string | null | undefined;
};

export type TracedSessionOutcome =
  /** Its client has taken this event or a later one. */
  | 'DELIVERED'
  /** It began after the message arrived. It has the event only if it resumed with an older cursor. */
  | 'STARTED_LATER'
  /** It has not come that far. */
  | 'WAITING';

export type TypedFieldStateStatus =
  /** The fold has not reached the end of the journal. Who asks for it waits. */
  | 'BUILDING'
  /** It exceeds WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, so it is neither folded nor served. */
  | 'FULL'
  /** Subscriptions and queries get it. */
  | 'READY'
  /** Its database cannot be read. */
  | 'UNAVAILABLE';

export type ClientFragment = { clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number };

export type ClientsQueryVariables = Exact<{
  search?: string | null | undefined;
  only?: ClientFilter | null | undefined;
  transport?: string | null | undefined;
  sort?: ClientSort | null | undefined;
  first?: number | null | undefined;
  after?: string | null | undefined;
}>;


export type ClientsQuery = { clients: { endCursor: string | null, hasMore: boolean, unanswered: Array<string>, at: string, nodes: Array<{ clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number }>, counts: { registered: number, online: number, leaving: number, slow: number, dropping: number, banned: number } } };

export type ClientStateQueryVariables = Exact<{
  clientId: string | number;
}>;


export type ClientStateQuery = { client: { online: boolean, banned: boolean, slow: boolean, lastSeen: string | null, pending: number, lagMs: number | null } | null, sessions: { unanswered: Array<string> } };

export type ClientDetailQueryVariables = Exact<{
  clientId: string | number;
}>;


export type ClientDetailQuery = { client: { clientId: string, name: string | null, createdAt: string | null, registered: boolean, online: boolean, banned: boolean, slow: boolean, sessions: number, transports: Array<string>, replicas: Array<string>, offset: number | null, lagMs: number | null, pending: number, queuedBytes: number, delivered: number, dropped: number } | null, sessions: { clientId: string, banned: boolean, unanswered: Array<string>, sessions: Array<{ id: string, replica: string, transport: string, address: string, since: string, expiresAt: string | null, scope: Array<string>, queuedBytes: number, pending: number, delivered: number, dropped: number, slow: boolean, subscriptionCount: number, subscriptions: Array<{ field: string, topic: string, since: string, overflow: string, cursor: string | null, offset: number | null, lagMs: number, pending: number, queuedBytes: number, delivered: number, dropped: number, slow: boolean }> }> } };

export type EndedSessionsQueryVariables = Exact<{
  clientId?: string | number | null | undefined;
  first?: number | null | undefined;
}>;


export type EndedSessionsQuery = { endedSessions: { unanswered: Array<string>, sessions: Array<{ id: string, replica: string, clientId: string | null, transport: string, address: string, reason: string, endedAt: string, delivered: number, dropped: number }> } };

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

export type TestSubscriptionSubscriptionVariables = Exact<{
  clientId: string | number;
  channel?: string | number | null | undefined;
  after?: string | null | undefined;
  reason?: string | null | undefined;
}>;


export type TestSubscriptionSubscription = { testSubscription: { kind: EventKind, cursor: string, data: unknown, type: string | null, messageId: string | null, exchange: string | null, routingKey: string | null, receivedAt: string, gap: { reason: GapReason, oldest: string | null, dropped: number | null } | null } };

export type TypedFieldNamesQueryVariables = Exact<{ [key: string]: never; }>;


export type TypedFieldNamesQuery = { typedFields: { fields: Array<{ name: string }> } };

export type TestFieldSubscriptionVariables = Exact<{
  clientId: string | number;
  field: string;
  claims?: unknown;
  after?: string | null | undefined;
  reason?: string | null | undefined;
}>;


export type TestFieldSubscription = { testField: { value: unknown, removedKey: string | null, error: string | null, event: { kind: EventKind, cursor: string, exchange: string | null, routingKey: string | null, receivedAt: string, gap: { reason: GapReason, dropped: number | null } | null } } };

export type ConfigurationQueryVariables = Exact<{ [key: string]: never; }>;


export type ConfigurationQuery = { configuration: { replicas: Array<string>, unanswered: Array<string>, options: Array<{ name: string, flag: string, fileVariable: string | null, group: string, value: string | null, origin: OptionOrigin | null, givenAs: string | null, file: string | null, default: string | null, unset: string | null, help: string, expected: string, secret: boolean, reload: boolean, needsRestart: boolean, differs: boolean, mayDiffer: boolean, replicas: Array<{ replica: string, value: string | null, origin: OptionOrigin | null, needsRestart: boolean }> }> } };

export type TypedFieldsQueryVariables = Exact<{ [key: string]: never; }>;


export type TypedFieldsQuery = { typedFields: { hash: string | null, since: string | null, unanswered: Array<string>, replicas: Array<{ replica: string, hash: string | null, since: string | null, isSame: boolean, failure: { at: string, message: string } | null }>, fields: Array<{ name: string, type: string, description: string | null, bindings: Array<{ exchange: string, exchangeType: ExchangeType, routingKey: string }>, counts: { subscriptions: number, deliveredPerSecond: number | null }, recent: { receivedPerSecond: number, lastMessageAt: string | null, messages: number, checked: number, mismatched: number }, state: { status: TypedFieldStateStatus, keys: number | null, lag: number | null, replica: string | null } | null }> } };

export type TypedFieldQueryVariables = Exact<{
  name: string;
  first?: number | null | undefined;
}>;


export type TypedFieldQuery = { typedFields: { fields: Array<{ name: string, type: string, description: string | null, file: string, line: number, invalid: InvalidEventPolicy, gap: string, history: boolean, access: Array<string>, conditions: Array<string>, sdl: string, arguments: Array<{ name: string, type: string, description: string | null, defaultValue: string | null, meaning: string }>, bindings: Array<{ exchange: string, exchangeType: ExchangeType, routingKey: string, bindingKey: string, source: string, body: string }>, counts: { subscriptions: number, matched: number, delivered: number, filtered: number, invalid: number }, recent: { messages: number, checked: number, fitting: number, excluded: number, mismatched: number, lastMessageAt: string | null, mismatches: Array<{ reason: string, count: number, lastAt: string, sample: { cursor: string, offset: number, body: { text: string } } }> }, state: { key: string, deleteOn: Array<string>, keepMs: number | null, status: TypedFieldStateStatus, keys: number | null, removedKeys: number | null, bytes: number | null, cursor: string | null, lag: number | null, replica: string | null } | null, subscribers: { hasMore: boolean, withoutClient: number, unanswered: Array<string>, nodes: Array<{ clientId: string, subscriptions: number, sessions: number, transports: Array<string>, delivered: number, dropped: number, pending: number }> } }> } };

export type SchemaTextQueryVariables = Exact<{ [key: string]: never; }>;


export type SchemaTextQuery = { typedFields: { served: string, files: Array<{ path: string, text: string }> } };

export type ExchangeNamesQueryVariables = Exact<{ [key: string]: never; }>;


export type ExchangeNamesQuery = { rabbitChannels: Array<{ exchange: string }> };

export type InferSchemaQueryVariables = Exact<{
  exchange: string;
  routingKey?: string | null | undefined;
  field?: string | null | undefined;
  examples?: boolean | null | undefined;
  sdl?: string | null | undefined;
  first?: number | null | undefined;
}>;


export type InferSchemaQuery = { inferSchema: { exchange: string, exists: boolean, nearExchanges: Array<string>, messages: number, sdl: string | null, fitting: number, excluded: number, mismatched: number, note: string | null, problems: Array<{ line: number, column: number, severity: SchemaProblemSeverity, message: string }>, events: Array<{ field: string, event: unknown, message: { cursor: string, offset: number, routingKey: string } }>, mismatches: Array<{ field: string, reason: string, message: { cursor: string, offset: number, routingKey: string } }> } };

export type DrainMutationVariables = Exact<{
  replica: string;
  evenIfLast?: boolean | null | undefined;
}>;


export type DrainMutation = { drain: { name: string, state: ReplicaState } };

export type UndrainMutationVariables = Exact<{
  replica: string;
}>;


export type UndrainMutation = { undrain: { name: string, state: ReplicaState } };

export type FindMessageQueryVariables = Exact<{
  messageId: string | number;
}>;


export type FindMessageQuery = { trace: Array<{ messages: Array<{ offset: number }> }> };

export type EntryFragment = { cursor: string, offset: number, receivedAt: string | null, publishedAt: string | null, exchange: string, routingKey: string, messageId: string | null, type: string | null, contentType: string | null, bytes: number, clients: Array<string>, clientCount: number | null, outcome: MessageOutcome | null, reason: string | null, withoutClient: boolean, explanation: string, matched: number, delivered: number, dropped: number, pending: number, behind: number | null, preview: { text: string } };

export type MessagesQueryVariables = Exact<{
  source?: string | number | null | undefined;
  channel?: string | number | null | undefined;
  exchange?: string | null | undefined;
  routingKey?: string | null | undefined;
  text?: string | null | undefined;
  search?: string | null | undefined;
  around?: JournalPlace | null | undefined;
  first?: number | null | undefined;
  before?: string | null | undefined;
  after?: string | null | undefined;
}>;


export type MessagesQuery = { messages: { startCursor: string | null, endCursor: string | null, hasOlder: boolean, hasNewer: boolean, note: string | null, unanswered: Array<string>, epoch: string | null, nodes: Array<{ cursor: string, offset: number, receivedAt: string | null, publishedAt: string | null, exchange: string, routingKey: string, messageId: string | null, type: string | null, contentType: string | null, bytes: number, clients: Array<string>, clientCount: number | null, outcome: MessageOutcome | null, reason: string | null, withoutClient: boolean, explanation: string, matched: number, delivered: number, dropped: number, pending: number, behind: number | null, preview: { text: string } }>, at: { cursor: string } | null, searched: { messages: number, firstOffset: number, lastOffset: number, since: string | null } | null } };

export type MessageQueryVariables = Exact<{
  cursor: string;
}>;


export type MessageQuery = { message: { appId: string | null, headers: unknown, unreadable: string | null, cursor: string, offset: number, receivedAt: string | null, publishedAt: string | null, exchange: string, routingKey: string, messageId: string | null, type: string | null, contentType: string | null, bytes: number, clients: Array<string>, clientCount: number | null, outcome: MessageOutcome | null, reason: string | null, withoutClient: boolean, explanation: string, matched: number, delivered: number, dropped: number, pending: number, behind: number | null, body: { text: string, encoding: BodyEncoding, truncated: boolean }, fields: Array<{ field: string, outcome: FieldOutcome, detail: string | null }>, sourceReasons: Array<{ source: string, name: string, matched: boolean, everyone: boolean, clients: Array<string>, reason: string }>, preview: { text: string } } | null };

export type TraceQueryVariables = Exact<{
  messageId?: string | number | null | undefined;
  cursor?: string | null | undefined;
  look?: MessagePicture | null | undefined;
  clientId: string | number;
  hasClient: boolean;
}>;


export type TraceQuery = { trace: Array<{ replica: string, since: string | null, messages: Array<{ cursor: string | null, offset: number, messageId: string | null, preview: string, exchange: string, routingKey: string, receivedAt: string, outcome: MessageOutcome | null, reason: string | null, explanation: string, clients: Array<string>, clientCount: number | null, withoutClient: boolean, matched: number, delivered: number, dropped: number, pending: number, forClient?: { isFor: boolean, reason: string }, fields: Array<{ field: string, outcome: FieldOutcome, detail: string | null }>, sourceReasons: Array<{ source: string, matched: boolean, everyone: boolean, clients: Array<string>, reason: string }>, sessions: Array<{ session: string, clientId: string, openedBy: string | null, transport: string, address: string, outcome: TracedSessionOutcome, since: string, pending: number }> }> }>, rabbitChannels: Array<{ id: string, exchange: string, routingKey: string, origin: SourceOrigin }> };

export type JournalHistogramQueryVariables = Exact<{
  from?: string | null | undefined;
  to?: string | null | undefined;
  bins?: number | null | undefined;
  exchange?: string | null | undefined;
  routingKey?: string | null | undefined;
}>;


export type JournalHistogramQuery = { journalHistogram: { firstOffset: number, lastOffset: number, bins: Array<{ from: string, to: string, count: number | null, exact: boolean, firstOffset: number | null, kept: boolean }> } };

export type GatewayHistoryQueryVariables = Exact<{
  span?: HistorySpan | null | undefined;
}>;


export type GatewayHistoryQuery = { gatewayHistory: { stepMs: number, unanswered: Array<string>, points: Array<{ at: string, receivedPerSecond: number, deliveredPerSecond: number, droppedPerSecond: number, sessions: number, replicas: number }> } };

export type ClientPositionsQueryVariables = Exact<{
  clientId: string | number;
}>;


export type ClientPositionsQuery = { clientPositions: Array<{ name: string, field: string | null, arguments: unknown, cursor: string | null, movedAt: string, usedAt: string, lag: { count: number, atLeast: boolean } | null }> };

export type DeletePositionMutationVariables = Exact<{
  clientId: string | number;
  name: string;
}>;


export type DeletePositionMutation = { deletePosition: boolean };

export type QuarantineQueryVariables = Exact<{
  first?: number | null | undefined;
  after?: string | null | undefined;
  today?: string | null | undefined;
}>;


export type QuarantineQuery = { quarantine: { count: number, unread: number, endCursor: string | null, hasMore: boolean, reasons: Array<{ reason: string, count: number, lastAt: string | null }>, ofToday: Array<{ reason: string, count: number }>, nodes: Array<{ id: string, reason: string, text: string, field: string | null, exchange: string, routingKey: string, receivedAt: string | null, publishedAt: string | null, offset: number | null, messageId: string | null, appId: string | null, contentType: string | null, headers: unknown, bytes: number, body: { text: string, encoding: BodyEncoding, truncated: boolean }, place: { byte: number | null, line: number | null, column: number | null, pointer: string | null } | null }> } };

export type RepublishMutationVariables = Exact<{
  id: string | number;
  edit?: RepublishEdit | null | undefined;
}>;


export type RepublishMutation = { republish: { id: string, exchange: string, routingKey: string, cursor: string | null } };

export type DropMutationVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type DropMutation = { drop: { dropped: Array<string>, missing: Array<string> } };

export type DropUndeliverableMutationVariables = Exact<{ [key: string]: never; }>;


export type DropUndeliverableMutation = { dropUndeliverable: boolean };

export type SourcesQueryVariables = Exact<{ [key: string]: never; }>;


export type SourcesQuery = { sources: Array<{ id: string, messages: number, receivedPerSecond: number, lastMessageAt: string | null, unmatchedShare: number | null, unmatched: Array<{ reason: string, count: number, firstAt: string, lastAt: string, sample: { cursor: string, offset: number, contentType: string | null, bytes: number, body: { text: string } } }>, source: { id: string, exchange: string, exchangeType: ExchangeType, routingKey: string, buffered: boolean, createdAt: string, origin: SourceOrigin, bindingKey: string, rule: string, nearExchanges: Array<string> } }> };

export type PreviewSourceQueryVariables = Exact<{
  input: CreateRabbitChannelInput;
  first?: number | null | undefined;
}>;


export type PreviewSourceQuery = { preview: { exchange: string, exists: boolean, nearExchanges: Array<string>, matched: number, distinctClients: number, note: string | null, messages: Array<{ clients: Array<string>, everyone: boolean, reason: string, message: { cursor: string, routingKey: string } }> } };

export type CreateSourceMutationVariables = Exact<{
  input: CreateRabbitChannelInput;
}>;


export type CreateSourceMutation = { createRabbitChannel: { id: string, exchange: string, madeExchange: boolean } };

export type DeleteSourceMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteSourceMutation = { deleteRabbitChannel: boolean };

export type ReplicaFragment = { name: string, answered: boolean, lastSeenAt: string, state: ReplicaState, reason: string | null, version: string, startedAt: string, uptimeMs: number | null, sessions: number | null, subscriptions: number | null, catchingUp: number | null, catchingUpClients: Array<string> | null, fellBehind: number | null, receivedPerSecond: number | null, deliveredPerSecond: number | null, lagMs: number | null, position: number | null, brokerNodes: Array<{ address: string, version: string }> | null, load: { cpu: number | null, loopDelayMs: number | null } | null, memory: { rssBytes: number, heapBytes: number } | null, hotWindow: { bytes: number, firstOffset: number | null, since: string | null, spanMs: number | null } | null, outbox: { bytes: number, bufferedBytes: number, waitingSessions: number, waitingClients: Array<string> } | null };

export type AccountFragment = { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number };

export type StatsSubscriptionVariables = Exact<{
  every?: number | null | undefined;
}>;


export type StatsSubscription = { gatewayStats: { at: string, spanMs: number, receivedPerSecond: number | null, deliveredPerSecond: number | null, sessions: number, unanswered: Array<string>, bySource: Array<{ source: string, exchange: string | null, receivedPerSecond: number | null, total: number }>, withoutClient: { total: number, perSecond: number | null }, byTransport: Array<{ transport: string, sessions: number, subscriptions: number, deliveredPerSecond: number | null, droppedPerSecond: number | null }>, byField: Array<{ field: string, matchedPerSecond: number | null, deliveredPerSecond: number | null, filteredPerSecond: number | null, invalidPerSecond: number | null }>, byOutcome: Array<{ outcome: MessageOutcome, perSecond: number | null, total: number }>, deliveryTimes: { p50Ms: number | null, p99Ms: number | null }, accounts: { at: string, unanswered: Array<string>, total: { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number }, byTransport: Array<{ transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number }>, byReplica: Array<{ replica: string, startedAt: string, account: { transport: string | null, matched: number, delivered: number, filtered: number, dropped: number, pending: number, difference: number } }> }, replicas: Array<{ name: string, answered: boolean, lastSeenAt: string, state: ReplicaState, reason: string | null, version: string, startedAt: string, uptimeMs: number | null, sessions: number | null, subscriptions: number | null, catchingUp: number | null, catchingUpClients: Array<string> | null, fellBehind: number | null, receivedPerSecond: number | null, deliveredPerSecond: number | null, lagMs: number | null, position: number | null, brokerNodes: Array<{ address: string, version: string }> | null, load: { cpu: number | null, loopDelayMs: number | null } | null, memory: { rssBytes: number, heapBytes: number } | null, hotWindow: { bytes: number, firstOffset: number | null, since: string | null, spanMs: number | null } | null, outbox: { bytes: number, bufferedBytes: number, waitingSessions: number, waitingClients: Array<string> } | null }> } };

export type BrokerQueryVariables = Exact<{ [key: string]: never; }>;


export type BrokerQuery = { broker: { up: boolean, reason: string | null, quarantined: number | null, journal: { epoch: string | null, firstOffset: number, lastOffset: number, oldestNeeded: number | null, entriesLeft: number | null, retention: { maxAgeMs: number, maxBytes: number } } | null, nodes: Array<{ address: string, connections: number, product: string, version: string, cluster: string }> }, gateway: { version: string, replica: string } };

export type TailSubscriptionVariables = Exact<{
  channel?: string | number | null | undefined;
  filter?: TailFilter | null | undefined;
  maxPerSecond?: number | null | undefined;
}>;


export type TailSubscription = { tail: { at: string, seen: number, sampledOneIn: number, withoutClient: number, outcomes: Array<{ outcome: MessageOutcome, count: number }>, entries: Array<{ cursor: string, offset: number, receivedAt: string | null, publishedAt: string | null, exchange: string, routingKey: string, messageId: string | null, type: string | null, contentType: string | null, bytes: number, clients: Array<string>, clientCount: number | null, outcome: MessageOutcome | null, reason: string | null, withoutClient: boolean, explanation: string, matched: number, delivered: number, dropped: number, pending: number, behind: number | null, preview: { text: string } }> } };

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
export const EntryFragmentDoc = new TypedDocumentString(`
    fragment Entry on JournalEntry {
  cursor
  offset
  receivedAt
  publishedAt
  exchange
  routingKey
  messageId
  type
  contentType
  bytes
  clients
  clientCount
  outcome
  reason
  withoutClient
  explanation
  matched
  delivered
  dropped
  pending
  behind
  preview: body(limit: 200) {
    text
  }
}
    `, {"fragmentName":"Entry"}) as unknown as TypedDocumentString<EntryFragment, unknown>;
export const ReplicaFragmentDoc = new TypedDocumentString(`
    fragment Replica on GatewayReplica {
  name
  answered
  lastSeenAt
  state
  reason
  version
  startedAt
  uptimeMs
  sessions
  subscriptions
  catchingUp
  catchingUpClients
  brokerNodes {
    address
    version
  }
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
    waitingClients
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
    query Clients($search: String, $only: ClientFilter, $transport: String, $sort: ClientSort, $first: Int, $after: String) {
  clients(
    search: $search
    only: $only
    transport: $transport
    sort: $sort
    first: $first
    after: $after
  ) {
    nodes {
      ...Client
    }
    endCursor
    hasMore
    counts {
      registered
      online
      leaving
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
export const ClientStateDocument = new TypedDocumentString(`
    query ClientState($clientId: ID!) {
  client(clientId: $clientId) {
    online
    banned
    slow
    lastSeen
    pending
    lagMs
  }
  sessions(clientId: $clientId) {
    unanswered
  }
}
    `) as unknown as TypedDocumentString<ClientStateQuery, ClientStateQueryVariables>;
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
export const EndedSessionsDocument = new TypedDocumentString(`
    query EndedSessions($clientId: ID, $first: Int) {
  endedSessions(clientId: $clientId, first: $first) {
    sessions {
      id
      replica
      clientId
      transport
      address
      reason
      endedAt
      delivered
      dropped
    }
    unanswered
  }
}
    `) as unknown as TypedDocumentString<EndedSessionsQuery, EndedSessionsQueryVariables>;
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
export const TestSubscriptionDocument = new TypedDocumentString(`
    subscription TestSubscription($clientId: ID!, $channel: ID, $after: Cursor, $reason: String) {
  testSubscription(
    clientId: $clientId
    channel: $channel
    after: $after
    reason: $reason
  ) {
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
    `) as unknown as TypedDocumentString<TestSubscriptionSubscription, TestSubscriptionSubscriptionVariables>;
export const TypedFieldNamesDocument = new TypedDocumentString(`
    query TypedFieldNames {
  typedFields {
    fields {
      name
    }
  }
}
    `) as unknown as TypedDocumentString<TypedFieldNamesQuery, TypedFieldNamesQueryVariables>;
export const TestFieldDocument = new TypedDocumentString(`
    subscription TestField($clientId: ID!, $field: String!, $claims: JSON, $after: Cursor, $reason: String) {
  testField(
    clientId: $clientId
    field: $field
    claims: $claims
    after: $after
    reason: $reason
  ) {
    value
    removedKey
    error
    event {
      kind
      cursor
      exchange
      routingKey
      receivedAt
      gap {
        reason
        dropped
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TestFieldSubscription, TestFieldSubscriptionVariables>;
export const ConfigurationDocument = new TypedDocumentString(`
    query Configuration {
  configuration {
    replicas
    unanswered
    options {
      name
      flag
      fileVariable
      group
      value
      origin
      givenAs
      file
      default
      unset
      help
      expected
      secret
      reload
      needsRestart
      differs
      mayDiffer
      replicas {
        replica
        value
        origin
        needsRestart
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ConfigurationQuery, ConfigurationQueryVariables>;
export const TypedFieldsDocument = new TypedDocumentString(`
    query TypedFields {
  typedFields {
    hash
    since
    unanswered
    replicas {
      replica
      hash
      since
      isSame
      failure {
        at
        message
      }
    }
    fields {
      name
      type
      description
      bindings {
        exchange
        exchangeType
        routingKey
      }
      counts {
        subscriptions
        deliveredPerSecond
      }
      recent {
        receivedPerSecond
        lastMessageAt
        messages
        checked
        mismatched
      }
      state {
        status
        keys
        lag
        replica
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TypedFieldsQuery, TypedFieldsQueryVariables>;
export const TypedFieldDocument = new TypedDocumentString(`
    query TypedField($name: String!, $first: Int) {
  typedFields(name: $name) {
    fields {
      name
      type
      description
      file
      line
      invalid
      gap
      history
      access
      conditions
      sdl
      arguments {
        name
        type
        description
        defaultValue
        meaning
      }
      bindings {
        exchange
        exchangeType
        routingKey
        bindingKey
        source
        body
      }
      counts {
        subscriptions
        matched
        delivered
        filtered
        invalid
      }
      recent {
        messages
        checked
        fitting
        excluded
        mismatched
        lastMessageAt
        mismatches {
          reason
          count
          lastAt
          sample {
            cursor
            offset
            body(limit: 4096) {
              text
            }
          }
        }
      }
      state {
        key
        deleteOn
        keepMs
        status
        keys
        removedKeys
        bytes
        cursor
        lag
        replica
      }
      subscribers(first: $first) {
        hasMore
        withoutClient
        unanswered
        nodes {
          clientId
          subscriptions
          sessions
          transports
          delivered
          dropped
          pending
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TypedFieldQuery, TypedFieldQueryVariables>;
export const SchemaTextDocument = new TypedDocumentString(`
    query SchemaText {
  typedFields {
    served
    files {
      path
      text
    }
  }
}
    `) as unknown as TypedDocumentString<SchemaTextQuery, SchemaTextQueryVariables>;
export const ExchangeNamesDocument = new TypedDocumentString(`
    query ExchangeNames {
  rabbitChannels {
    exchange
  }
}
    `) as unknown as TypedDocumentString<ExchangeNamesQuery, ExchangeNamesQueryVariables>;
export const InferSchemaDocument = new TypedDocumentString(`
    query InferSchema($exchange: String!, $routingKey: String, $field: String, $examples: Boolean, $sdl: String, $first: Int) {
  inferSchema(
    exchange: $exchange
    routingKey: $routingKey
    field: $field
    examples: $examples
    sdl: $sdl
    first: $first
  ) {
    exchange
    exists
    nearExchanges
    messages
    sdl
    fitting
    excluded
    mismatched
    note
    problems {
      line
      column
      severity
      message
    }
    events {
      field
      event
      message {
        cursor
        offset
        routingKey
      }
    }
    mismatches {
      field
      reason
      message {
        cursor
        offset
        routingKey
      }
    }
  }
}
    `) as unknown as TypedDocumentString<InferSchemaQuery, InferSchemaQueryVariables>;
export const DrainDocument = new TypedDocumentString(`
    mutation Drain($replica: String!, $evenIfLast: Boolean) {
  drain(replica: $replica, evenIfLast: $evenIfLast) {
    name
    state
  }
}
    `) as unknown as TypedDocumentString<DrainMutation, DrainMutationVariables>;
export const UndrainDocument = new TypedDocumentString(`
    mutation Undrain($replica: String!) {
  undrain(replica: $replica) {
    name
    state
  }
}
    `) as unknown as TypedDocumentString<UndrainMutation, UndrainMutationVariables>;
export const FindMessageDocument = new TypedDocumentString(`
    query FindMessage($messageId: ID!) {
  trace(messageId: $messageId) {
    messages {
      offset
    }
  }
}
    `) as unknown as TypedDocumentString<FindMessageQuery, FindMessageQueryVariables>;
export const MessagesDocument = new TypedDocumentString(`
    query Messages($source: ID, $channel: ID, $exchange: String, $routingKey: String, $text: String, $search: String, $around: JournalPlace, $first: Int, $before: Cursor, $after: Cursor) {
  messages(
    source: $source
    channel: $channel
    exchange: $exchange
    routingKey: $routingKey
    text: $text
    search: $search
    around: $around
    first: $first
    before: $before
    after: $after
  ) {
    nodes {
      ...Entry
    }
    startCursor
    endCursor
    hasOlder
    hasNewer
    at {
      cursor
    }
    note
    searched {
      messages
      firstOffset
      lastOffset
      since
    }
    unanswered
    epoch
  }
}
    fragment Entry on JournalEntry {
  cursor
  offset
  receivedAt
  publishedAt
  exchange
  routingKey
  messageId
  type
  contentType
  bytes
  clients
  clientCount
  outcome
  reason
  withoutClient
  explanation
  matched
  delivered
  dropped
  pending
  behind
  preview: body(limit: 200) {
    text
  }
}`) as unknown as TypedDocumentString<MessagesQuery, MessagesQueryVariables>;
export const MessageDocument = new TypedDocumentString(`
    query Message($cursor: Cursor!) {
  message(cursor: $cursor) {
    ...Entry
    appId
    headers
    unreadable
    body {
      text
      encoding
      truncated
    }
    fields {
      field
      outcome
      detail
    }
    sourceReasons {
      source
      name
      matched
      everyone
      clients
      reason
    }
  }
}
    fragment Entry on JournalEntry {
  cursor
  offset
  receivedAt
  publishedAt
  exchange
  routingKey
  messageId
  type
  contentType
  bytes
  clients
  clientCount
  outcome
  reason
  withoutClient
  explanation
  matched
  delivered
  dropped
  pending
  behind
  preview: body(limit: 200) {
    text
  }
}`) as unknown as TypedDocumentString<MessageQuery, MessageQueryVariables>;
export const TraceDocument = new TypedDocumentString(`
    query Trace($messageId: ID, $cursor: Cursor, $look: MessagePicture, $clientId: ID!, $hasClient: Boolean!) {
  trace(messageId: $messageId, cursor: $cursor, look: $look) {
    replica
    since
    messages {
      cursor
      offset
      messageId
      preview
      exchange
      routingKey
      receivedAt
      outcome
      reason
      explanation
      clients
      clientCount
      withoutClient
      forClient(clientId: $clientId) @include(if: $hasClient) {
        isFor
        reason
      }
      matched
      delivered
      dropped
      pending
      fields {
        field
        outcome
        detail
      }
      sourceReasons {
        source
        matched
        everyone
        clients
        reason
      }
      sessions {
        session
        clientId
        openedBy
        transport
        address
        outcome
        since
        pending
      }
    }
  }
  rabbitChannels {
    id
    exchange
    routingKey
    origin
  }
}
    `) as unknown as TypedDocumentString<TraceQuery, TraceQueryVariables>;
export const JournalHistogramDocument = new TypedDocumentString(`
    query JournalHistogram($from: DateTime, $to: DateTime, $bins: Int, $exchange: String, $routingKey: String) {
  journalHistogram(
    from: $from
    to: $to
    bins: $bins
    exchange: $exchange
    routingKey: $routingKey
  ) {
    bins {
      from
      to
      count
      exact
      firstOffset
      kept
    }
    firstOffset
    lastOffset
  }
}
    `) as unknown as TypedDocumentString<JournalHistogramQuery, JournalHistogramQueryVariables>;
export const GatewayHistoryDocument = new TypedDocumentString(`
    query GatewayHistory($span: HistorySpan) {
  gatewayHistory(span: $span) {
    stepMs
    points {
      at
      receivedPerSecond
      deliveredPerSecond
      droppedPerSecond
      sessions
      replicas
    }
    unanswered
  }
}
    `) as unknown as TypedDocumentString<GatewayHistoryQuery, GatewayHistoryQueryVariables>;
export const ClientPositionsDocument = new TypedDocumentString(`
    query ClientPositions($clientId: ID!) {
  clientPositions(clientId: $clientId) {
    name
    field
    arguments
    cursor
    movedAt
    usedAt
    lag {
      count
      atLeast
    }
  }
}
    `) as unknown as TypedDocumentString<ClientPositionsQuery, ClientPositionsQueryVariables>;
export const DeletePositionDocument = new TypedDocumentString(`
    mutation DeletePosition($clientId: ID!, $name: String!) {
  deletePosition(clientId: $clientId, name: $name)
}
    `) as unknown as TypedDocumentString<DeletePositionMutation, DeletePositionMutationVariables>;
export const QuarantineDocument = new TypedDocumentString(`
    query Quarantine($first: Int, $after: String, $today: DateTime) {
  quarantine(first: $first, after: $after, order: NEWEST_FIRST) {
    count
    reasons {
      reason
      count
      lastAt
    }
    ofToday: reasons(since: $today) {
      reason
      count
    }
    unread
    endCursor
    hasMore
    nodes {
      id
      reason
      text
      field
      exchange
      routingKey
      receivedAt
      publishedAt
      offset
      messageId
      appId
      contentType
      headers
      bytes
      body {
        text
        encoding
        truncated
      }
      place {
        byte
        line
        column
        pointer
      }
    }
  }
}
    `) as unknown as TypedDocumentString<QuarantineQuery, QuarantineQueryVariables>;
export const RepublishDocument = new TypedDocumentString(`
    mutation Republish($id: ID!, $edit: RepublishEdit) {
  republish(id: $id, edit: $edit) {
    id
    exchange
    routingKey
    cursor
  }
}
    `) as unknown as TypedDocumentString<RepublishMutation, RepublishMutationVariables>;
export const DropDocument = new TypedDocumentString(`
    mutation Drop($ids: [ID!]!) {
  drop(ids: $ids) {
    dropped
    missing
  }
}
    `) as unknown as TypedDocumentString<DropMutation, DropMutationVariables>;
export const DropUndeliverableDocument = new TypedDocumentString(`
    mutation DropUndeliverable {
  dropUndeliverable
}
    `) as unknown as TypedDocumentString<DropUndeliverableMutation, DropUndeliverableMutationVariables>;
export const SourcesDocument = new TypedDocumentString(`
    query Sources {
  sources {
    id
    messages
    receivedPerSecond
    lastMessageAt
    unmatchedShare
    unmatched {
      reason
      count
      firstAt
      lastAt
      sample {
        cursor
        offset
        contentType
        bytes
        body(limit: 4096) {
          text
        }
      }
    }
    source {
      id
      exchange
      exchangeType
      routingKey
      buffered
      createdAt
      origin
      bindingKey
      rule
      nearExchanges
    }
  }
}
    `) as unknown as TypedDocumentString<SourcesQuery, SourcesQueryVariables>;
export const PreviewSourceDocument = new TypedDocumentString(`
    query PreviewSource($input: CreateRabbitChannelInput!, $first: Int) {
  preview(input: $input, first: $first) {
    exchange
    exists
    nearExchanges
    matched
    distinctClients
    note
    messages {
      clients
      everyone
      reason
      message {
        cursor
        routingKey
      }
    }
  }
}
    `) as unknown as TypedDocumentString<PreviewSourceQuery, PreviewSourceQueryVariables>;
export const CreateSourceDocument = new TypedDocumentString(`
    mutation CreateSource($input: CreateRabbitChannelInput!) {
  createRabbitChannel(input: $input) {
    id
    exchange
    madeExchange
  }
}
    `) as unknown as TypedDocumentString<CreateSourceMutation, CreateSourceMutationVariables>;
export const DeleteSourceDocument = new TypedDocumentString(`
    mutation DeleteSource($id: ID!) {
  deleteRabbitChannel(id: $id)
}
    `) as unknown as TypedDocumentString<DeleteSourceMutation, DeleteSourceMutationVariables>;
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
    withoutClient {
      total
      perSecond
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
  lastSeenAt
  state
  reason
  version
  startedAt
  uptimeMs
  sessions
  subscriptions
  catchingUp
  catchingUpClients
  brokerNodes {
    address
    version
  }
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
    waitingClients
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
  broker {
    up
    reason
    quarantined
    journal {
      epoch
      firstOffset
      lastOffset
      retention {
        maxAgeMs
        maxBytes
      }
      oldestNeeded
      entriesLeft
    }
    nodes {
      address
      connections
      product
      version
      cluster
    }
  }
  gateway {
    version
    replica
  }
}
    `) as unknown as TypedDocumentString<BrokerQuery, BrokerQueryVariables>;
export const TailDocument = new TypedDocumentString(`
    subscription Tail($channel: ID, $filter: TailFilter, $maxPerSecond: Int) {
  tail(channel: $channel, filter: $filter, maxPerSecond: $maxPerSecond) {
    at
    seen
    sampledOneIn
    outcomes {
      outcome
      count
    }
    withoutClient
    entries {
      ...Entry
    }
  }
}
    fragment Entry on JournalEntry {
  cursor
  offset
  receivedAt
  publishedAt
  exchange
  routingKey
  messageId
  type
  contentType
  bytes
  clients
  clientCount
  outcome
  reason
  withoutClient
  explanation
  matched
  delivered
  dropped
  pending
  behind
  preview: body(limit: 200) {
    text
  }
}`) as unknown as TypedDocumentString<TailSubscription, TailSubscriptionVariables>;