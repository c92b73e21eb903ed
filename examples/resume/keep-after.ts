/** The part of a client that subscribes: those of graphql-ws and graphql-sse have it. */
interface Subscribing {
  subscribe(operation: Operation, sink: Sink): () => void
}

interface Operation {
  query: string
  variables?: Record<string, unknown> | null
}

interface Sink {
  next(result: { readonly extensions?: unknown }): void
  error(error: unknown): void
  complete(): void
}

/**
 * Resumes typed fields with a client that reconnects by itself. It writes the cursor of each result
 * into `variables.after` of the operation, and the client sends these variables again when it has a
 * new connection. The query takes `$after: Cursor` and passes it to `after:`.
 */
export function keepAfter<Client extends Subscribing>(client: Client): Client {
  const subscribe: Subscribing['subscribe'] = (operation, sink) => {
    const variables: Record<string, unknown> = { ...operation.variables }
    return client.subscribe(
      { ...operation, variables },
      {
        next(result) {
          const { warren } = (result.extensions ?? {}) as { warren?: { cursor?: string } }
          if (warren?.cursor !== undefined) variables['after'] = warren.cursor
          sink.next(result)
        },
        error: (error) => sink.error(error),
        complete: () => sink.complete(),
      },
    )
  }
  return { ...client, subscribe }
}
