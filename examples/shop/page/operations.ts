import { graphql } from './generated/gql.ts'

export const orderChanged = graphql(`
  subscription OrderChanged($customerId: ID!, $after: Cursor) {
    orderChanged(customerId: $customerId, after: $after) { id status total placedAt cursor }
  }
`)

export const orderHistory = graphql(`
  query OrderHistory($customerId: ID!, $after: Cursor) {
    orderChangedHistory(customerId: $customerId, after: $after) {
      events { id status total placedAt cursor }
      cursor
      hasMore
      gap { reason }
    }
  }
`)

export const shipment = graphql(`
  subscription Shipment($id: ID!, $after: Cursor) {
    shipment(id: $id, after: $after) {
      __typename
      ... on ShipmentPacked { weight }
      ... on ShipmentDelivered { signedBy }
      ... on EventGap { reason }
    }
  }
`)

export const placeOrder = graphql(`
  mutation PlaceOrder($input: PlaceOrder!) {
    placeOrder(input: $input) { messageId }
  }
`)

export const quote = graphql(`
  query Quote($sku: ID!, $quantity: Int!) {
    quote(sku: $sku, quantity: $quantity) { sku price }
  }
`)
