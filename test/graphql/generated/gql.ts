/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "subscription Channel($clientId: ID!, $after: Cursor) {\n  channel(clientId: $clientId, after: $after) {\n    kind\n    cursor\n    clientId\n    data\n    type\n    messageId\n    publishedAt\n    gap {\n      reason\n      oldest\n    }\n  }\n}": typeof types.ChannelDocument,
    "query ClientChannel($clientId: ID!) {\n  clientChannel(clientId: $clientId) {\n    clientId\n    name\n    cursor\n    subscribers\n  }\n}": typeof types.ClientChannelDocument,
    "mutation CreateClientChannel($input: CreateClientChannelInput!) {\n  createClientChannel(input: $input) {\n    token\n    expiresAt\n    channel {\n      clientId\n      name\n      cursor\n    }\n  }\n}": typeof types.CreateClientChannelDocument,
    "query Gateway {\n  gateway {\n    version\n    broker\n    connections\n    subscriptions\n  }\n}": typeof types.GatewayDocument,
    "mutation Publish($input: PublishInput!) {\n  publish(input: $input) {\n    messageId\n  }\n}": typeof types.PublishDocument,
};
const documents: Documents = {
    "subscription Channel($clientId: ID!, $after: Cursor) {\n  channel(clientId: $clientId, after: $after) {\n    kind\n    cursor\n    clientId\n    data\n    type\n    messageId\n    publishedAt\n    gap {\n      reason\n      oldest\n    }\n  }\n}": types.ChannelDocument,
    "query ClientChannel($clientId: ID!) {\n  clientChannel(clientId: $clientId) {\n    clientId\n    name\n    cursor\n    subscribers\n  }\n}": types.ClientChannelDocument,
    "mutation CreateClientChannel($input: CreateClientChannelInput!) {\n  createClientChannel(input: $input) {\n    token\n    expiresAt\n    channel {\n      clientId\n      name\n      cursor\n    }\n  }\n}": types.CreateClientChannelDocument,
    "query Gateway {\n  gateway {\n    version\n    broker\n    connections\n    subscriptions\n  }\n}": types.GatewayDocument,
    "mutation Publish($input: PublishInput!) {\n  publish(input: $input) {\n    messageId\n  }\n}": types.PublishDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "subscription Channel($clientId: ID!, $after: Cursor) {\n  channel(clientId: $clientId, after: $after) {\n    kind\n    cursor\n    clientId\n    data\n    type\n    messageId\n    publishedAt\n    gap {\n      reason\n      oldest\n    }\n  }\n}"): typeof import('./graphql.ts').ChannelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query ClientChannel($clientId: ID!) {\n  clientChannel(clientId: $clientId) {\n    clientId\n    name\n    cursor\n    subscribers\n  }\n}"): typeof import('./graphql.ts').ClientChannelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation CreateClientChannel($input: CreateClientChannelInput!) {\n  createClientChannel(input: $input) {\n    token\n    expiresAt\n    channel {\n      clientId\n      name\n      cursor\n    }\n  }\n}"): typeof import('./graphql.ts').CreateClientChannelDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "query Gateway {\n  gateway {\n    version\n    broker\n    connections\n    subscriptions\n  }\n}"): typeof import('./graphql.ts').GatewayDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "mutation Publish($input: PublishInput!) {\n  publish(input: $input) {\n    messageId\n  }\n}"): typeof import('./graphql.ts').PublishDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
