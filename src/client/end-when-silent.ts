/** The part of a graphql-ws client that this module uses. */
export interface PingingClient {
  on(event: 'ping' | 'pong', listener: (received: boolean) => void): () => void
  on(event: 'closed', listener: () => void): () => void
  terminate(): void
}

/**
 * Terminates a half-open connection: the peer is gone without a close (a network changed, a
 * laptop woke up). Neither browsers nor graphql-ws notice it. Each ping of the client (its option
 * `keepAlive`) must be answered within `pongMs` milliseconds. Call it once for each client, right
 * after creating it. Returns a function that stops it.
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
