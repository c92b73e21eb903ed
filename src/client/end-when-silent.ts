/** As much of a graphql-ws client as is used here. */
export interface PingingClient {
  on(event: 'ping' | 'pong', listener: (received: boolean) => void): () => void
  on(event: 'closed', listener: () => void): () => void
  terminate(): void
}

/**
 * Ends a connection whose peer is gone without a word (half-open: a network changed, a laptop woke
 * up), which neither browsers nor graphql-ws notice by themselves: each ping of the client
 * (`keepAlive` when it is made) has to be answered within `pongMs` milliseconds. Call it once a
 * client, right after making it. Returns what ends the watch.
 */
export function endWhenSilent(client: PingingClient, pongMs = 10_000): () => void {
  let overdue: ReturnType<typeof setTimeout> | undefined
  const answered = (): void => clearTimeout(overdue)
  const listening = [
    client.on('ping', (received) => {
      if (received) return
      answered()
      overdue = setTimeout(() => client.terminate(), pongMs)
    }),
    client.on('pong', (received) => {
      if (received) answered()
    }),
    client.on('closed', answered),
  ]
  return () => {
    answered()
    for (const unlisten of listening) unlisten()
  }
}
