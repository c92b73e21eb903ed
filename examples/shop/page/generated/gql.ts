/* eslint-disable */
import * as types from './graphql.ts';
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';

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
    "\n  subscription OrderChanged($customerId: ID!, $after: Cursor) {\n    orderChanged(customerId: $customerId, after: $after) { id status total placedAt cursor }\n  }\n": typeof types.OrderChangedDocument,
    "\n  query OrderHistory($customerId: ID!, $after: Cursor) {\n    orderChangedHistory(customerId: $customerId, after: $after) {\n      events { id status total placedAt cursor }\n      cursor\n      hasMore\n      gap { reason }\n    }\n  }\n": typeof types.OrderHistoryDocument,
    "\n  subscription Shipment($id: ID!, $after: Cursor) {\n    shipment(id: $id, after: $after) {\n      __typename\n      ... on ShipmentPacked { weight }\n      ... on ShipmentDelivered { signedBy }\n      ... on EventGap { reason }\n    }\n  }\n": typeof types.ShipmentDocument,
    "\n  mutation PlaceOrder($input: PlaceOrder!) {\n    placeOrder(input: $input) { messageId }\n  }\n": typeof types.PlaceOrderDocument,
    "\n  query Quote($sku: ID!, $quantity: Int!) {\n    quote(sku: $sku, quantity: $quantity) { sku price }\n  }\n": typeof types.QuoteDocument,
};
const documents: Documents = {
    "\n  subscription OrderChanged($customerId: ID!, $after: Cursor) {\n    orderChanged(customerId: $customerId, after: $after) { id status total placedAt cursor }\n  }\n": types.OrderChangedDocument,
    "\n  query OrderHistory($customerId: ID!, $after: Cursor) {\n    orderChangedHistory(customerId: $customerId, after: $after) {\n      events { id status total placedAt cursor }\n      cursor\n      hasMore\n      gap { reason }\n    }\n  }\n": types.OrderHistoryDocument,
    "\n  subscription Shipment($id: ID!, $after: Cursor) {\n    shipment(id: $id, after: $after) {\n      __typename\n      ... on ShipmentPacked { weight }\n      ... on ShipmentDelivered { signedBy }\n      ... on EventGap { reason }\n    }\n  }\n": types.ShipmentDocument,
    "\n  mutation PlaceOrder($input: PlaceOrder!) {\n    placeOrder(input: $input) { messageId }\n  }\n": types.PlaceOrderDocument,
    "\n  query Quote($sku: ID!, $quantity: Int!) {\n    quote(sku: $sku, quantity: $quantity) { sku price }\n  }\n": types.QuoteDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 *
 *
 * @example
 * ```ts
 * const query = graphql(`query GetUser($id: ID!) { user(id: $id) { name } }`);
 * ```
 *
 * The query argument is unknown!
 * Please regenerate the types.
 */
export function graphql(source: string): unknown;

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription OrderChanged($customerId: ID!, $after: Cursor) {\n    orderChanged(customerId: $customerId, after: $after) { id status total placedAt cursor }\n  }\n"): (typeof documents)["\n  subscription OrderChanged($customerId: ID!, $after: Cursor) {\n    orderChanged(customerId: $customerId, after: $after) { id status total placedAt cursor }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query OrderHistory($customerId: ID!, $after: Cursor) {\n    orderChangedHistory(customerId: $customerId, after: $after) {\n      events { id status total placedAt cursor }\n      cursor\n      hasMore\n      gap { reason }\n    }\n  }\n"): (typeof documents)["\n  query OrderHistory($customerId: ID!, $after: Cursor) {\n    orderChangedHistory(customerId: $customerId, after: $after) {\n      events { id status total placedAt cursor }\n      cursor\n      hasMore\n      gap { reason }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  subscription Shipment($id: ID!, $after: Cursor) {\n    shipment(id: $id, after: $after) {\n      __typename\n      ... on ShipmentPacked { weight }\n      ... on ShipmentDelivered { signedBy }\n      ... on EventGap { reason }\n    }\n  }\n"): (typeof documents)["\n  subscription Shipment($id: ID!, $after: Cursor) {\n    shipment(id: $id, after: $after) {\n      __typename\n      ... on ShipmentPacked { weight }\n      ... on ShipmentDelivered { signedBy }\n      ... on EventGap { reason }\n    }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation PlaceOrder($input: PlaceOrder!) {\n    placeOrder(input: $input) { messageId }\n  }\n"): (typeof documents)["\n  mutation PlaceOrder($input: PlaceOrder!) {\n    placeOrder(input: $input) { messageId }\n  }\n"];
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query Quote($sku: ID!, $quantity: Int!) {\n    quote(sku: $sku, quantity: $quantity) { sku price }\n  }\n"): (typeof documents)["\n  query Quote($sku: ID!, $quantity: Int!) {\n    quote(sku: $sku, quantity: $quantity) { sku price }\n  }\n"];

export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

export type DocumentType<TDocumentNode extends DocumentNode<any, any>> = TDocumentNode extends DocumentNode<  infer TType,  any>  ? TType  : never;