import { graphql } from './generated/gql.ts'

export const orderChanged = graphql(`
  subscription OrderChanged($customerId: ID!, $after: Cursor) {
    orderChanged(customerId: $customerId, after: $after) { id status total placedAt }
  }
`)

export const shipment = graphql(`
  subscription Shipment($id: ID!) {
    shipment(id: $id) {
      __typename
      ... on ShipmentPacked { id weight }
      ... on ShipmentDelivered { id signedBy }
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
