/** The tabs of a first visit. */
export const examples: readonly { readonly query: string }[] = [
  {
    query: `# Ctrl Enter runs the operation.
# Ctrl Space completes a name.
# The schema is documented on the left.

query Gateway {
  gateway {
    version
    broker
    connections
    subscriptions
  }
}
`,
  },
  {
    query: `# Every message from now on, and what became of it.
# The list on the right keeps all events with their times.

subscription Messages {
  tail(maxPerSecond: 20) {
    entries {
      receivedAt
      exchange
      routingKey
      outcome
    }
  }
}
`,
  },
  {
    query: `# The events of one client, as that client receives them.

subscription Channel {
  channel(clientId: "alice") {
    kind
    cursor
    data
    publishedAt
  }
}
`,
  },
]
