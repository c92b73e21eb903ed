import type { OverflowPolicy } from '../../../src/core/model/overflow-policy.ts'

/**
 * A run: everything that happens from outside, and when. Plain JSON, so that it can be made smaller.
 */
export interface Script {
  readonly seed: number
  readonly settings: Settings
  readonly clients: readonly ClientScript[]
  /** In the order of time. */
  readonly actions: readonly Action[]
  /** When all faults are over, in milliseconds. */
  readonly lengthMs: number
}

export interface Settings {
  readonly version: 3 | 4
  readonly nodes: number
  readonly replicas: number
  readonly channels: number
  readonly latencyMs: number
  readonly registryMs: number
  readonly segmentMessages: number
  readonly segments: number
  readonly windowBytes: number
  readonly windowMs: number
  readonly maxBufferedBytes: number
  readonly publishTimeoutMs: number
  /** The typed field has keyed state, read in pages of so many events. Older scripts lack it. */
  readonly statePageEvents?: number
}

export interface ClientScript {
  readonly channel: number
  readonly policy: OverflowPolicy
  readonly checkpoints: boolean
  /** How long its link takes for one event, in milliseconds. */
  readonly frameMs: number
  /** How many events its socket holds. */
  readonly socketEvents: number
  /** How long its token is valid, in milliseconds; 0: for ever. */
  readonly tokenMs: number
  readonly connectsAt: number
  /** It subscribes to the typed field, not to the channel. Scripts from before typed events lack it. */
  readonly typed?: true
  /** Without a cursor it begins with so many of the last events. Older scripts lack it. */
  readonly last?: number
  /** It wants the newest message once in this time, in milliseconds. Older scripts lack it. */
  readonly everyMs?: number
  /** It continues at a position that the gateway keeps. Older scripts lack it. */
  readonly position?: {
    /** `delivered`: by what its gateway delivered. Otherwise by its acks of a share of the events. */
    readonly moves: 'delivered' | number
    /** It is another device of this client, and so has the same position. */
    readonly deviceOf?: number
  }
}

export type Action = { readonly at: number } & (
  | {
      readonly kind: 'publish'
      readonly channel: number
      readonly count: number
      readonly everyMs: number
      /** A replica, or -1: a back end. */
      readonly by: number
      readonly keyed: boolean
      readonly bytes: number
      /** The exchange of this source, while it exists; -1: the default exchange. */
      readonly via: number
      /** Without message id. Only a back end that publishes to a buffered source does that. */
      readonly noId: boolean
      /** The body cannot be decoded. */
      readonly poison: boolean
    }
  | { readonly kind: 'publish-unreadable'; readonly count: number }
  | { readonly kind: 'client-cut'; readonly client: number; readonly halfOpen: boolean; readonly awayMs: number }
  | { readonly kind: 'client-stall'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'client-rewind'; readonly client: number; readonly share: number; readonly invalid: boolean }
  | { readonly kind: 'client-renew'; readonly client: number; readonly narrow: boolean }
  | { readonly kind: 'revoke'; readonly client: number; readonly replica: number }
  | { readonly kind: 'ban'; readonly client: number; readonly replica: number; readonly forMs: number }
  | { readonly kind: 'channel-delete'; readonly channel: number; readonly replica: number }
  | { readonly kind: 'source'; readonly replica: number; readonly index: number }
  | { readonly kind: 'source-delete'; readonly replica: number; readonly index: number }
  | { readonly kind: 'binding-lost' }
  | { readonly kind: 'replica-kill'; readonly replica: number; readonly awayMs: number }
  | { readonly kind: 'replica-restart'; readonly replica: number; readonly overMs: number }
  | {
      readonly kind: 'partition'
      readonly replica: number
      readonly up: boolean
      readonly down: boolean
      readonly forMs: number
    }
  | { readonly kind: 'registry-cut'; readonly replica: number; readonly forMs: number }
  | { readonly kind: 'registry-away'; readonly forMs: number }
  | { readonly kind: 'node-stop'; readonly node: number; readonly killed: boolean; readonly forMs: number }
  | { readonly kind: 'nodes-stop'; readonly forMs: number }
  | { readonly kind: 'node-freeze'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'node-isolate'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'leader-change'; readonly forMs: number }
  | { readonly kind: 'alarm'; readonly forMs: number }
  | { readonly kind: 'connections-close'; readonly share: number }
  | { readonly kind: 'consumers-cancel' }
  | { readonly kind: 'confirms-slow'; readonly byMs: number; readonly forMs: number }
  | { readonly kind: 'trim'; readonly segments: number }
  /** Several times in a row: replicas declare it again meanwhile. */
  | { readonly kind: 'journal-delete'; readonly times: number; readonly everyMs: number }
  | { readonly kind: 'clock-skew'; readonly replica: number; readonly byMs: number }
)

/** Sources that scripts create: exchanges of their own. The last one is buffered. */
export const extraSources = [
  { exchange: 'orders-0', buffered: false },
  { exchange: 'orders-1', buffered: false },
  { exchange: 'orders-2', buffered: true },
] as const
