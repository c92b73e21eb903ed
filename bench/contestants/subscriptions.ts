/** The schema that the GraphQL contestants share with Warren, as far as the scenarios ask for it. */
import type { Message } from './source.ts'

export const typeDefs = /* GraphQL */ `
  scalar JSON
  scalar DateTime
  scalar Cursor
  enum EventKind { MESSAGE GAP CHECKPOINT }
  type Query { ok: Boolean }
  type Subscription { channel(clientId: ID!): ChannelEvent! }
  type ChannelEvent {
    kind: EventKind!
    cursor: Cursor!
    clientId: ID!
    data: JSON
    type: String
    contentType: String
    messageId: String
    headers: JSON
    exchange: String
    routingKey: String
    redelivered: Boolean!
    publishedAt: DateTime
    receivedAt: DateTime!
  }
`

/** What a resolver gives for a message; graphql-js reads the fields from it. */
export function eventOf(clientId: string, data: unknown): Record<string, unknown> {
  return {
    kind: 'MESSAGE',
    cursor: 'none',
    clientId,
    data,
    type: null,
    contentType: 'application/json',
    messageId: null,
    headers: null,
    exchange: 'bench.events',
    routingKey: `client.${clientId}`,
    redelivered: false,
    publishedAt: null,
    receivedAt: new Date(),
  }
}

export function eventOfMessage(clientId: string, message: Message): Record<string, unknown> {
  return eventOf(clientId, message.value)
}
