import type { ReplicaTrace } from '../accounting/replica-trace.ts'
import type { Source } from '../model/source.ts'

/**
 * Control messages among the replicas of one deployment: hints to look at the registry, never the
 * truth itself.
 */
export interface ControlBus {
  /** Best effort: a replica that misses one re-reads the registry when it is back. */
  send(message: ControlMessage): Promise<void>
  /**
   * Also called for this replica's own messages. `onResync` after every (re)connection: what was
   * said meanwhile is lost. `onUnsigned` for each message that the deployment's key did not sign,
   * or that came before: it may be forged, and is only a hint that the registry may have changed.
   */
  listen(onMessage: (message: ControlMessage) => void, onResync: () => void, onUnsigned?: () => void): void
  close(): Promise<void>
}

export type ControlMessage =
  | { readonly kind: 'sources-wanted' }
  | { readonly kind: 'source-known'; readonly source: Source }
  | {
      readonly kind: 'client-deleted'
      readonly clientId: string /** The replica that did it, and has ended its subscriptions. */
      readonly by: string
    }
  | { readonly kind: 'client-revoked'; readonly clientId: string /** ISO 8601. */; readonly at: string }
  /** Look at the registry: something bars this client, or no longer does. */
  | { readonly kind: 'client-barred'; readonly clientId: string }
  | { readonly kind: 'trace-wanted'; readonly question: string; readonly messageId: string }
  | { readonly kind: 'trace-known'; readonly question: string; readonly trace: ReplicaTrace }
