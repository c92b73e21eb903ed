import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { hmacSigner } from '../../../src/auth/tokens/jwt.ts'
import { Inbox } from '../../support/frames/inbox.ts'
import type { InProcessGateway } from '../../support/gateway/gateway-in-process.ts'
import { testSecret } from '../../support/gateway/gateway-process.ts'

const signer = hmacSigner({ secret: testSecret })

/** A result, or `{ failed }` with what the client reports as the error, or `{ complete }`. */
export type Received =
  | {
      data?: Record<string, unknown> | null
      errors?: readonly { extensions?: unknown }[]
      extensions?: { warren?: unknown }
    }
  | { failed: readonly { message: string; extensions: { code: string } }[] }
  | { complete: true }

export interface EventClient extends AsyncDisposable {
  listen(query: string, variables?: Record<string, unknown>): Inbox<Received>
}

/** A graphql-ws client, as published. `clientId` undefined and no scope: without a token. */
export async function eventClient(
  gateway: InProcessGateway,
  clientId: string | undefined,
  scope: readonly string[] = [],
): Promise<EventClient> {
  const isAnonymous = clientId === undefined && scope.length === 0
  if (isAnonymous) return clientWith(gateway, undefined)
  return clientWith(gateway, (await signer.sign({ clientId, scope, ttlSeconds: 3_600 })).token)
}

/** The same with a token of the caller's. */
export async function clientWith(
  gateway: InProcessGateway,
  given: string | Promise<string> | undefined,
): Promise<EventClient> {
  const token = await given
  const client = createClient({
    url: gateway.graphqlSocketUrl,
    webSocketImpl: WebSocket,
    connectionParams: token === undefined ? {} : { token },
  })
  return {
    listen(query, variables = {}) {
      const results = new Inbox<Received>(query)
      client.subscribe(
        { query, variables },
        {
          next: (result) => results.push(result as Received),
          error: (error) => results.push({ failed: error as never }),
          complete: () => results.push({ complete: true }),
        },
      )
      return results
    },
    [Symbol.asyncDispose]: async () => client.dispose(),
  }
}

/** Publishes through the gateway and returns the cursor; null if no source takes the message. */
export async function publish(
  gateway: InProcessGateway,
  input: {
    exchange: string
    routingKey: string
    data: unknown
    type?: string
    messageId?: string
    headers?: Record<string, unknown>
  },
): Promise<string> {
  const { publish: published } = await operate<{ publish: { cursor: string } }>(gateway, gateway.operatorToken, {
    query: 'mutation ($input: PublishInput!) { publish(input: $input) { cursor } }',
    variables: { input },
  })
  return published.cursor
}

/** Runs a query or mutation over HTTP; throws its errors. */
export async function operate<Data>(
  gateway: InProcessGateway,
  token: string | undefined,
  operation: { query: string; variables?: Record<string, unknown> },
): Promise<Data> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(operation),
  })
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown }
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}
