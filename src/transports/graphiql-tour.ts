/** A tab of GraphiQL as it opens for a new visitor; headers are JSON. */
export interface TourTab {
  readonly query: string
  readonly headers?: string
}

/** No token yet: the gateway takes an empty one for none, so that what needs no token works in each tab. */
const headers = '{\n  "Authorization": ""\n}'

/** The tour of the README, a tab a step: GraphiQL runs one operation a tab, and each has its own headers. */
export const tour: readonly TourTab[] = [
  {
    query: `# Step 1: a channel for a client. Anybody may make one; no token is needed.
# Press the button on the right, and copy the token from the answer.

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
    query: `# Step 2: listen to the channel. Into Headers, below, goes the token of step 1:
#   {"Authorization": "Bearer <token>"}
# Leave it running, and take step 3 in another window of the browser:
# GraphiQL ends a subscription when its tab is left.

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
    query: `# Step 3: publish. Into Headers, below, goes a token that may: the operator's,
# which the gateway printed when it started (or: npx warren token --operator).
#   {"Authorization": "Bearer <token>"}

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
