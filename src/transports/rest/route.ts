import type { ClientChannels } from '../../core/clients/client-channels.ts'
import type { Gateway } from '../../core/gateway.ts'
import type { Identity } from '../../core/model/identity.ts'
import type { SourceDefinition } from '../../core/model/source.ts'

export interface RestParts {
  readonly gateway: Gateway
  readonly clientChannels: ClientChannels
  readonly namespace: string
  readonly defaultSource: SourceDefinition
  readonly access: 'open' | 'token'
  readonly testRoutes: boolean
  /**
   * Issues a token that may publish to clients on the default source, for the client id of
   * `identity` if it has one.
   */
  readonly issuePublisherToken: (identity: Identity) => Promise<string>
}

/** What a route may use of a request. */
export interface RestRequest {
  readonly query: URLSearchParams
  readonly address: string
  /** The parsed body. Rejects with `BAD_USER_INPUT`. */
  body(): Promise<unknown>
  /** Rejects with `UNAUTHENTICATED` if the token is invalid. */
  identity(): Promise<Identity>
}

export interface RestAnswer {
  readonly status: number
  /** A string is sent as plain text, everything else as JSON. */
  readonly body: unknown
}

export interface Route {
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** GraphQL has replaced the route. */
  readonly deprecated?: boolean
  /** Whether this gateway has the route; undefined: always. */
  exists?(parts: RestParts): boolean
  answer(request: RestRequest, parts: RestParts): Promise<RestAnswer>
}
