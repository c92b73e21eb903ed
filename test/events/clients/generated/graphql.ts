/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
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

export type OrderStatus =
  | 'CREATED'
  | 'OTHER'
  | 'PAID'
  | 'SHIPPED';

export type PlaceOrder = {
  customerId: string | number;
  lines: Array<PlaceOrderLine>;
  region: string;
};

export type PlaceOrderLine = {
  quantity: number;
  sku: string | number;
};

export type OrderChangedSubscriptionVariables = Exact<{
  customerId: string | number;
  region?: string | null | undefined;
  status?: Array<OrderStatus> | OrderStatus | null | undefined;
  after?: string | null | undefined;
}>;


export type OrderChangedSubscription = { orderChanged: { id: string, customerId: string, status: OrderStatus, total: string, placedAt: string, traceId: string | null, cursor: string } | null };

export type ShipmentSubscriptionVariables = Exact<{
  id: string | number;
  after?: string | null | undefined;
}>;


export type ShipmentSubscription = { shipment:
    | { __typename: 'EventGap', reason: GapReason, oldest: string | null, cursor: string }
    | { __typename: 'ShipmentDelivered', id: string, signedBy: string | null }
    | { __typename: 'ShipmentPacked', id: string, weight: number }
   };

export type PlaceOrderMutationVariables = Exact<{
  input: PlaceOrder;
}>;


export type PlaceOrderMutation = { placeOrder: { messageId: string } };

export type QuoteQueryVariables = Exact<{
  sku: string | number;
  quantity: number;
}>;


export type QuoteQuery = { quote: { sku: string, price: string } };

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

export const OrderChangedDocument = new TypedDocumentString(`
    subscription OrderChanged($customerId: ID!, $region: String, $status: [OrderStatus!], $after: Cursor) {
  orderChanged(
    customerId: $customerId
    region: $region
    status: $status
    after: $after
  ) {
    id
    customerId
    status
    total
    placedAt
    traceId
    cursor
  }
}
    `) as unknown as TypedDocumentString<OrderChangedSubscription, OrderChangedSubscriptionVariables>;
export const ShipmentDocument = new TypedDocumentString(`
    subscription Shipment($id: ID!, $after: Cursor) {
  shipment(id: $id, after: $after) {
    __typename
    ... on ShipmentPacked {
      id
      weight
    }
    ... on ShipmentDelivered {
      id
      signedBy
    }
    ... on EventGap {
      reason
      oldest
      cursor
    }
  }
}
    `) as unknown as TypedDocumentString<ShipmentSubscription, ShipmentSubscriptionVariables>;
export const PlaceOrderDocument = new TypedDocumentString(`
    mutation PlaceOrder($input: PlaceOrder!) {
  placeOrder(input: $input) {
    messageId
  }
}
    `) as unknown as TypedDocumentString<PlaceOrderMutation, PlaceOrderMutationVariables>;
export const QuoteDocument = new TypedDocumentString(`
    query Quote($sku: ID!, $quantity: Int!) {
  quote(sku: $sku, quantity: $quantity) {
    sku
    price
  }
}
    `) as unknown as TypedDocumentString<QuoteQuery, QuoteQueryVariables>;