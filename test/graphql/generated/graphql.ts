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

/** Requires either clientId (the default source, key client.<clientId>) or exchange and routingKey. */
export type PublishInput = {
  clientId?: string | number | null | undefined;
  data: unknown;
  exchange?: string | null | undefined;
  headers?: unknown;
  /** Messages with the same key are delivered once, even if published through different replicas. */
  idempotencyKey?: string | null | undefined;
  messageId?: string | number | null | undefined;
  routingKey?: string | null | undefined;
  type?: string | null | undefined;
};

export type ChannelSubscriptionVariables = Exact<{
  clientId: string | number;
  after?: string | null | undefined;
}>;


export type ChannelSubscription = { channel: { kind: EventKind, cursor: string, clientId: string, data: unknown, type: string | null, messageId: string | null, publishedAt: string | null, gap: { reason: GapReason, oldest: string | null } | null } };

export type ClientChannelQueryVariables = Exact<{
  clientId: string | number;
}>;


export type ClientChannelQuery = { clientChannel: { clientId: string, name: string, cursor: string, subscribers: number } | null };

export type CreateClientChannelMutationVariables = Exact<{
  input: CreateClientChannelInput;
}>;


export type CreateClientChannelMutation = { createClientChannel: { token: string, expiresAt: string, channel: { clientId: string, name: string, cursor: string } } };

export type GatewayQueryVariables = Exact<{ [key: string]: never; }>;


export type GatewayQuery = { gateway: { version: string, broker: BrokerState, connections: number, subscriptions: number } };

export type PublishMutationVariables = Exact<{
  input: PublishInput;
}>;


export type PublishMutation = { publish: { messageId: string } };

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

export const ChannelDocument = new TypedDocumentString(`
    subscription Channel($clientId: ID!, $after: Cursor) {
  channel(clientId: $clientId, after: $after) {
    kind
    cursor
    clientId
    data
    type
    messageId
    publishedAt
    gap {
      reason
      oldest
    }
  }
}
    `) as unknown as TypedDocumentString<ChannelSubscription, ChannelSubscriptionVariables>;
export const ClientChannelDocument = new TypedDocumentString(`
    query ClientChannel($clientId: ID!) {
  clientChannel(clientId: $clientId) {
    clientId
    name
    cursor
    subscribers
  }
}
    `) as unknown as TypedDocumentString<ClientChannelQuery, ClientChannelQueryVariables>;
export const CreateClientChannelDocument = new TypedDocumentString(`
    mutation CreateClientChannel($input: CreateClientChannelInput!) {
  createClientChannel(input: $input) {
    token
    expiresAt
    channel {
      clientId
      name
      cursor
    }
  }
}
    `) as unknown as TypedDocumentString<CreateClientChannelMutation, CreateClientChannelMutationVariables>;
export const GatewayDocument = new TypedDocumentString(`
    query Gateway {
  gateway {
    version
    broker
    connections
    subscriptions
  }
}
    `) as unknown as TypedDocumentString<GatewayQuery, GatewayQueryVariables>;
export const PublishDocument = new TypedDocumentString(`
    mutation Publish($input: PublishInput!) {
  publish(input: $input) {
    messageId
  }
}
    `) as unknown as TypedDocumentString<PublishMutation, PublishMutationVariables>;