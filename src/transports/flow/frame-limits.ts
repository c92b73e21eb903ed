import { hasToken, type Identity } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'

/** How large a frame of an unauthenticated client may be, in bytes. */
export const maxUnauthenticatedFrameBytes = 16 * 1024

export interface FrameLimitOptions {
  /** Limit for an authenticated client, in bytes. */
  readonly maxFrameBytes: number
  /** Limit for a client that may publish, in bytes. */
  readonly maxMessageBytes: number
}

/** How large a frame, or a message in fragments, may be, by the identity of its sender. */
export class FrameLimits {
  readonly #unauthenticated: number
  readonly #authenticated: number
  readonly #publisher: number
  readonly #openToAll: boolean

  /**
   * `openToAll`: a client without a token gets the limit of a client with a token. Set when
   * `WARREN_LEGACY_ACCESS` is `open`.
   */
  constructor({ maxFrameBytes, maxMessageBytes }: FrameLimitOptions, openToAll = false) {
    this.#publisher = maxMessageBytes
    this.#openToAll = openToAll
    this.#authenticated = Math.min(maxFrameBytes, maxMessageBytes)
    this.#unauthenticated = openToAll
      ? this.#authenticated
      : Math.min(maxUnauthenticatedFrameBytes, this.#authenticated)
  }

  /**
   * Whether the limits of authenticated clients apply. `identity` is undefined before the client
   * has authenticated.
   */
  isKnown(identity: Identity | undefined): boolean {
    return this.#openToAll || (identity !== undefined && hasToken(identity))
  }

  /** In bytes. `identity`: as in `isKnown`. */
  of(identity: Identity | undefined): number {
    if (!identity || !hasToken(identity)) return this.#unauthenticated
    return mayPublish(identity) ? this.#publisher : this.#authenticated
  }
}
