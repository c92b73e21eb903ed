/** A tab of GraphiQL as it opens for a new visitor; headers are JSON. */
export interface TourTab {
  readonly query: string
  readonly headers?: string
}

/**
 * No token yet: the gateway takes an empty one for none, so that what needs no token works in each
 * tab.
 */
const headers = '{\n  "Authorization": ""\n}'

/**
 * The tour of the README, a tab a step: GraphiQL runs one operation a tab, and each has its own
 * headers.
 */
export const tour: readonly TourTab[] = [
  {
    query: `# Step 1: make a channel for a client.
# No token is needed; copy the one in the answer.

mutation CreateChannel {
  createClientChannel(
    input: {
      clientId: "alice"
      name: "Alice"
      email: "alice@example.com"
      password: "correct horse"
    }
  ) {
    token
    channel {
      clientId
      cursor
    }
  }
}
`,
  },
  {
    query: `# Step 2: listen to it.
# The token of step 1 goes into Headers, below:
#   {"Authorization": "Bearer <token>"}
# Leave it running: take step 3 in another window
# of the browser, for GraphiQL ends a subscription
# when you leave its tab.

subscription Listen {
  channel(clientId: "alice") {
    kind
    cursor
    data
    type
    publishedAt
  }
}
`,
    headers,
  },
  {
    query: `# Step 3: publish to it, from another window.
# The operator's token goes into Headers, below.
# The gateway printed it when it started;
#   npx warren token --operator
# prints one, too.

mutation Publish {
  publish(
    input: { clientId: "alice", type: "greeting", data: { hello: "world" } }
  ) {
    messageId
  }
}
`,
    headers,
  },
]
