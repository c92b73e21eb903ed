/** The schema that the GraphQL contestants share with Warren, as far as the scenarios use it. */
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

/**
 * A resolver's result for a message; graphql-js reads fields from it. A field that is not selected
 * costs nothing.
 */
export class ChannelEvent {
  readonly clientId: string
  readonly data: unknown
  readonly contentType = 'application/json'

  constructor(clientId: string, data: unknown) {
    this.clientId = clientId
    this.data = data
  }

  get kind(): string {
    return 'MESSAGE'
  }

  get cursor(): string {
    return 'none'
  }

  get exchange(): string {
    return 'bench.events'
  }

  get routingKey(): string {
    return `client.${this.clientId}`
  }

  get redelivered(): boolean {
    return false
  }

  get receivedAt(): string {
    return new Date().toISOString()
  }
}
