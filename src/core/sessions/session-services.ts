import type { Replayer } from '../delivery/channel-subscription.ts'
import type { Paces } from '../delivery/pace.ts'
import type { KeyedLimit } from '../limits/keyed-limit.ts'
import type { CursorCodec } from '../model/cursor.ts'
import type { OverflowPolicy } from '../model/overflow-policy.ts'
import type { Observer } from '../ports/observer.ts'
import type { Positions } from '../positions/positions.ts'

export interface SessionLimits {
  /** Concurrent subscriptions. */
  readonly maxSubscriptions: number
  /** Operations started per second. */
  readonly maxSubscribeRate: number
  /** Bytes that may wait for a consumer that is slower than its channels. */
  readonly maxBufferedBytes: number
  /** The policies that a subscription may request; the first one is the default. */
  readonly overflow: readonly OverflowPolicy[]
  /** How long a session without an identity may stay without a subscription, in milliseconds. */
  readonly anonymousIdleMs: number
}

/** What all sessions of a replica share: one object, so that each of them has one reference. */
export interface SessionServices {
  /** Names this life of the replica. */
  readonly life: string
  readonly replayer: Replayer
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Read on each use, because they may change while the gateway runs. */
  readonly limits: SessionLimits
  readonly paces: Paces
  readonly positions: Pick<Positions, 'hold'>
  /** Counts subscriptions by client over all sessions. */
  readonly ofClient: KeyedLimit
  /** Called when a session continues under another identity, with the client ids. */
  readonly onIdentity: (before: string | undefined, after: string | undefined) => void
}
