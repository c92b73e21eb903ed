import type { ReplicaTrace } from '../accounting/replica-trace.ts'
import type { Source } from '../model/source.ts'
import type { Absence } from '../offline/absences.ts'

/**
 * Control messages among the replicas of one deployment. They are hints to read the registry, which
 * is authoritative.
 */
export interface ControlBus {
  /**
   * Sends a message to all replicas, including this one. Best effort: a replica that misses it
   * reads the registry when it reconnects. Resolves without waiting for a receiver.
   */
  send(message: ControlMessage): Promise<void>
  /**
   * Called once, by `Gateway.open`. The callbacks must not throw.
   *
   * `onMessage` receives each valid message, also those of this replica. `onResync` is called after
   * every (re)connection, because messages sent meanwhile are lost. `onUnsigned` is called for each
   * message that was not signed with a key of the deployment, and for each replayed message. Such a
   * message may be forged, so it is only a hint that the registry may have changed.
   */
  listen(onMessage: (message: ControlMessage) => void, onResync: () => void, onUnsigned?: () => void): void
  close(): Promise<void>
}

/** The names are a wire format among replicas of different versions. */
export type ControlMessage =
  /** Asks the other replicas for the sources of their registries. 0.1.0 sends no `replica`. */
  | { readonly kind: 'sources-wanted'; readonly replica?: string }
  /** Answers `sources-wanted`: one message for each source. */
  | { readonly kind: 'source-known'; readonly source: Source; readonly replica?: string }
  /**
   * The channel was deleted. `by`: the replica that did it and has ended its subscriptions. `at`:
   * when (ISO 8601); replicas up to 0.1 do not send it.
   */
  | { readonly kind: 'client-deleted'; readonly clientId: string; readonly by: string; readonly at?: string }
  /** Tokens of the client that were issued at `at` (ISO 8601) or before are invalid. */
  | { readonly kind: 'client-revoked'; readonly clientId: string; readonly at: string }
  /** The client's bar changed: read the registry. */
  | { readonly kind: 'client-barred'; readonly clientId: string }
  /** Asks what the other replicas did with a message. Answers repeat the id in `question`. */
  | { readonly kind: 'trace-wanted'; readonly question: string; readonly messageId: string }
  | { readonly kind: 'trace-known'; readonly question: string; readonly trace: ReplicaTrace }
  /** The replica lives. `startedAt`: milliseconds since the epoch. `ask`: announce yourself too. */
  | {
      readonly kind: 'replica-alive'
      readonly replica: string
      readonly version: string
      readonly startedAt: number
      readonly ask: boolean
    }
  | { readonly kind: 'replica-ended'; readonly replica: string; readonly startedAt: number }
  /** The clients of a replica, see `Presence`. `of` null: of every other replica. */
  | { readonly kind: 'presence-wanted'; readonly replica: string; readonly of: string | null }
  /** Each has the next `seq`; a replica that missed one asks for the list. */
  | {
      readonly kind: 'presence-changed'
      readonly replica: string
      readonly startedAt: number
      readonly seq: number
      readonly joined: readonly string[]
      readonly left: readonly string[]
    }
  /** A part of the list of all its clients, as of `seq`. */
  | {
      readonly kind: 'presence-state'
      readonly replica: string
      readonly startedAt: number
      readonly seq: number
      readonly clients: readonly string[]
      readonly first: boolean
      readonly last: boolean
    }
  /**
   * What a replica knows for offline notices, see `OfflineHook`. `published`: clients, and how long
   * ago each got a notice, in milliseconds. `ask`: the eldest replica sends all that it knows.
   */
  | {
      readonly kind: 'offline-known'
      readonly replica: string
      readonly startedAt: number
      readonly ask: boolean
      readonly published: readonly (readonly [clientId: string, agoMs: number])[]
      readonly waiting: readonly Absence[]
    }
  /**
   * The subscription with this number took the position: those with smaller numbers end. Both are
   * hints: the registry has the number.
   */
  | { readonly kind: 'position-taken'; readonly clientId: string; readonly name: string; readonly holder: number }
  /**
   * The subscription with this number ended before it began: the one before has it again, if it is
   * on replica `to`. Another replica may not know yet that its own has lost the position.
   */
  | {
      readonly kind: 'position-returned'
      readonly clientId: string
      readonly name: string
      readonly holder: number
      readonly to: string
    }
  | { readonly kind: 'position-deleted'; readonly clientId: string; readonly name: string }
  /**
   * A question, see `Gathering`. Answers repeat the id in `question`. `of`: only this replica is
   * asked.
   */
  | {
      readonly kind: 'asked'
      readonly question: string
      readonly topic: string
      readonly args: unknown
      readonly of?: string
    }
  | { readonly kind: 'answered'; readonly question: string; readonly replica: string; readonly value: unknown }

/** What replicas send each other about named positions. */
export type PositionMessage = Extract<
  ControlMessage,
  { kind: 'position-taken' | 'position-returned' | 'position-deleted' }
>
