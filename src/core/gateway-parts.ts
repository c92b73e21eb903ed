import type { Tracing } from './accounting/trace-context.ts'
import type { DeploymentKeys } from './clients/deployment-keys.ts'
import type { Cluster } from './cluster/cluster.ts'
import type { CursorCodec } from './model/cursor.ts'
import type { OfflineHook } from './offline/offline-hook.ts'
import type { Broker } from './ports/broker.ts'
import type { ClientRegistry } from './ports/client-registry.ts'
import type { ControlBus } from './ports/control-bus.ts'
import type { EventMatcher } from './ports/event-matcher.ts'
import type { HotWindow } from './ports/hot-window.ts'
import type { Journal } from './ports/journal.ts'
import type { Observer } from './ports/observer.ts'
import type { PositionStore } from './positions/position-store.ts'
import type { ClientPresence, SessionsParts } from './sessions/sessions.ts'
import type { StateDefinition } from './state/state-definition.ts'
import type { StateLimits } from './state/state-folder.ts'
import type { StateStore } from './state/state-store.ts'

/** What a gateway is made of. The application opens these parts, and closes them after it. */
export interface GatewayParts {
  /** The id of this replica, unique in the deployment. Contains the host name. */
  readonly replica: string
  /** The id for callers who should not learn the host name. Undefined: `replica`. */
  readonly replicaAlias?: string
  /** Begins the names of all exchanges and queues of this deployment. */
  readonly namespace: string
  readonly journal: Journal
  readonly hotWindow: HotWindow
  readonly broker: Broker
  readonly control: ControlBus
  /** Receives the control messages about replicas and presence. Default: they are ignored. */
  readonly cluster?: Pick<Cluster, 'onControl' | 'onResync' | 'members' | 'gathering'>
  /** Receives which clients have sessions. Default: nothing does. */
  readonly presence?: ClientPresence | undefined
  /** Receives each live message and its clients. Default: nothing does. */
  readonly offline?: Pick<OfflineHook, 'onMessage'> | undefined
  /** Default: no typed events. */
  readonly events?: EventMatcher
  /** Keyed state of typed fields. Undefined: no field has any. */
  readonly states?:
    | {
        readonly store: StateStore
        readonly definitions: () => readonly StateDefinition[]
        /** Read at each use. */
        readonly limits: StateLimits
        readonly pageEvents?: number
      }
    | undefined
  readonly registry: ClientRegistry
  readonly positionStore: PositionStore
  readonly keys: DeploymentKeys
  readonly cursors: CursorCodec
  readonly observer: Observer
  /** Undefined: tracing is off. */
  readonly tracing?: Tracing | undefined
  /** Read at each use, because it may change while the gateway runs. */
  readonly limits: SessionsParts['limits'] & {
    /** How long a publication may wait for the first connection to the journal. */
    readonly publishTimeoutMs: number
    /** `WARREN_POSITION_TTL`. */
    readonly positionTtlMs: number
    /** The most that a compressed body may grow to, in bytes. */
    readonly maxDecodedBytes: number
    /** `WARREN_PUBLISH_EXCHANGES`: topic patterns, or `sources`. */
    readonly publishExchanges: readonly string[]
  }
  /** Default: any number of sockets. */
  readonly socketRoom?: SessionsParts['socketRoom']
  /**
   * Called at each change. `up`: the journal is current and the default source is bound. `reason`:
   * why it is not up.
   */
  readonly onState: (state: { up: boolean; reason?: string }) => void
}
