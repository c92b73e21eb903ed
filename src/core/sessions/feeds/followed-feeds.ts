import { GatewayError } from '../../../errors.ts'
import type { Identity } from '../../model/identity.ts'
import type { OpenFeed } from './feed.ts'

interface FollowedFeed {
  /** Undefined: that of the session. */
  readonly ownIdentity: Identity | undefined
  /** Throws `FORBIDDEN` or `UNAUTHENTICATED`. */
  readonly check: (identity: Identity) => void
}

/** The open feeds of a session, and who may have each. */
export class FollowedFeeds {
  readonly #feeds = new Map<OpenFeed, FollowedFeed>()

  get size(): number {
    return this.#feeds.size
  }

  /**
   * `check` throws if an identity may not have the feed. `ownIdentity`: of an operation with a
   * token of its own.
   */
  add(feed: OpenFeed, check: (identity: Identity) => void, ownIdentity: Identity | undefined): void {
    this.#feeds.set(feed, { ownIdentity, check })
  }

  delete(feed: OpenFeed): void {
    this.#feeds.delete(feed)
  }

  /** The session continues with another identity, which ends the feeds that it may not have. */
  authorize(identity: Identity): void {
    for (const [feed, { ownIdentity, check }] of this.#feeds) {
      if (ownIdentity) continue
      try {
        check(identity)
      } catch (error) {
        feed.end(error as GatewayError)
      }
    }
  }

  /** Ends the feeds of tokens of their own that are no longer valid. */
  endWithOwnToken(isOver: (identity: Identity) => boolean, message: string): void {
    for (const [feed, { ownIdentity }] of this.#feeds)
      if (ownIdentity && isOver(ownIdentity)) feed.end(new GatewayError('UNAUTHENTICATED', message))
  }

  endAll(): void {
    for (const feed of this.#feeds.keys()) feed.end()
  }
}
