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
    "subscription OrderChanged($customerId: ID!, $region: String, $status: [OrderStatus!], $after: Cursor) {\n  orderChanged(\n    customerId: $customerId\n    region: $region\n    status: $status\n    after: $after\n  ) {\n    id\n    customerId\n    status\n    total\n    placedAt\n    traceId\n    cursor\n  }\n}\n\nsubscription Shipment($id: ID!, $after: Cursor) {\n  shipment(id: $id, after: $after) {\n    __typename\n    ... on ShipmentPacked {\n      id\n      weight\n    }\n    ... on ShipmentDelivered {\n      id\n      signedBy\n    }\n    ... on EventGap {\n      reason\n      oldest\n      cursor\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrder!) {\n  placeOrder(input: $input) {\n    messageId\n  }\n}\n\nquery Quote($sku: ID!, $quantity: Int!) {\n  quote(sku: $sku, quantity: $quantity) {\n    sku\n    price\n  }\n}": typeof types.OrderChangedDocument,
};
const documents: Documents = {
    "subscription OrderChanged($customerId: ID!, $region: String, $status: [OrderStatus!], $after: Cursor) {\n  orderChanged(\n    customerId: $customerId\n    region: $region\n    status: $status\n    after: $after\n  ) {\n    id\n    customerId\n    status\n    total\n    placedAt\n    traceId\n    cursor\n  }\n}\n\nsubscription Shipment($id: ID!, $after: Cursor) {\n  shipment(id: $id, after: $after) {\n    __typename\n    ... on ShipmentPacked {\n      id\n      weight\n    }\n    ... on ShipmentDelivered {\n      id\n      signedBy\n    }\n    ... on EventGap {\n      reason\n      oldest\n      cursor\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrder!) {\n  placeOrder(input: $input) {\n    messageId\n  }\n}\n\nquery Quote($sku: ID!, $quantity: Int!) {\n  quote(sku: $sku, quantity: $quantity) {\n    sku\n    price\n  }\n}": types.OrderChangedDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "subscription OrderChanged($customerId: ID!, $region: String, $status: [OrderStatus!], $after: Cursor) {\n  orderChanged(\n    customerId: $customerId\n    region: $region\n    status: $status\n    after: $after\n  ) {\n    id\n    customerId\n    status\n    total\n    placedAt\n    traceId\n    cursor\n  }\n}\n\nsubscription Shipment($id: ID!, $after: Cursor) {\n  shipment(id: $id, after: $after) {\n    __typename\n    ... on ShipmentPacked {\n      id\n      weight\n    }\n    ... on ShipmentDelivered {\n      id\n      signedBy\n    }\n    ... on EventGap {\n      reason\n      oldest\n      cursor\n    }\n  }\n}\n\nmutation PlaceOrder($input: PlaceOrder!) {\n  placeOrder(input: $input) {\n    messageId\n  }\n}\n\nquery Quote($sku: ID!, $quantity: Int!) {\n  quote(sku: $sku, quantity: $quantity) {\n    sku\n    price\n  }\n}"): typeof import('./graphql.ts').OrderChangedDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}
