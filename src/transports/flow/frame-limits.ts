import { hasIdentity, type Identity } from '../../core/model/identity.ts'
import { mayPublish } from '../../core/sessions/authorizer.ts'

/** How large a frame may be before its sender has said who it is, in bytes. */
export const maxNamelessFrameBytes = 16 * 1024

export interface FrameLimitOptions {
  /** Of a client that has said who it is. */
  readonly maxFrameBytes: number
  /** Of one that may publish. */
  readonly maxMessageBytes: number
}

/** How large a frame, or a message in fragments, may be, by who sends it. */
export class FrameLimits {
  readonly #nameless: number
  readonly #known: number
  readonly #publisher: number
  readonly #openToAll: boolean

  /**
   * `openToAll`: a client without a token has the limit of one with a token, as where
   * `WARREN_LEGACY_ACCESS` is `open`.
   */
  constructor({ maxFrameBytes, maxMessageBytes }: FrameLimitOptions, openToAll = false) {
    this.#publisher = maxMessageBytes
    this.#openToAll = openToAll
    this.#known = Math.min(maxFrameBytes, maxMessageBytes)
    this.#nameless = openToAll ? this.#known : Math.min(maxNamelessFrameBytes, this.#known)
  }

  /**
   * Whether the limits of those hold that have said who they are. Undefined: it has not been said
   * yet.
   */
  isKnown(identity: Identity | undefined): boolean {
    return this.#openToAll || (identity !== undefined && hasIdentity(identity))
  }

  /** Undefined: as above. */
  of(identity: Identity | undefined): number {
    if (!identity || !hasIdentity(identity)) return this.#nameless
    return mayPublish(identity) ? this.#publisher : this.#known
  }
}
