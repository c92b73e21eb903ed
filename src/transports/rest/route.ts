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
   * A token that may publish to clients on the default source; `clientId`: whose it is, where it is
   * somebody's.
   */
  readonly issuePublisherToken: (identity: Identity) => Promise<string>
}

/** One request, as far as a route may ask for it. */
export interface RestRequest {
  readonly query: URLSearchParams
  readonly address: string
  /** The body, parsed. Rejects with `BAD_USER_INPUT`. */
  body(): Promise<unknown>
  /** Rejects with `UNAUTHENTICATED` for a token that is not valid. */
  identity(): Promise<Identity>
}

export interface RestAnswer {
  readonly status: number
  /** Text is sent as it is, all else as JSON. */
  readonly body: unknown
}

export interface Route {
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** GraphQL has taken its place. */
  readonly deprecated?: boolean
  /** Whether there is such a route in this gateway. */
  exists?(parts: RestParts): boolean
  answer(request: RestRequest, parts: RestParts): Promise<RestAnswer>
}
