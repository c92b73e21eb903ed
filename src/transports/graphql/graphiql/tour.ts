/** A tab of GraphiQL for a new visitor. `headers` is JSON. */
export interface TourTab {
  readonly query: string
  readonly headers?: string
}

/**
 * Visitors have no token yet. The gateway treats an empty header like no header, so steps that need
 * no token work in each tab.
 */
const headers = '{\n  "Authorization": ""\n}'

/**
 * The steps of the README's tour, one tab each: a tab of GraphiQL runs one operation and has its
 * own headers.
 */
export const tour: readonly TourTab[] = [
  {
    query: `# Step 1: create a channel for a client.
# You need no token. Copy the token in the answer.

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
    query: `# Step 2: subscribe to the channel.
# Open Headers below and insert the token of step 1:
#   {"Authorization": "Bearer <token>"}
# Keep it running and do step 3 in another browser
# window, because GraphiQL ends a subscription when
# you leave its tab.
# This page shows the last event only. Explorer in the
# console lists all of them with their times (start
# prints the console's link); so does:
#   npx warren tail alice

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
    query: `# Step 3: publish an event from another window.
# Open Headers below and insert the operator token.
# The gateway printed it when it started. This
# command prints a new one:
#   npx warren token --operator

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
