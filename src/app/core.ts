import { createHmac } from 'node:crypto'
import { hostname } from 'node:os'
import type { GraphQLSchema } from 'graphql'
import { createPasswords } from '../auth/passwords/passwords.ts'
import type { Config } from '../config/options/options.ts'
import { version } from '../config/version.ts'
import { ClientChannels } from '../core/clients/client-channels.ts'
import { latest } from '../core/clients/latest-date.ts'
import type { RegistrationPolicy } from '../core/clients/registration.ts'
import { Cluster } from '../core/cluster/cluster.ts'
import { Gateway } from '../core/gateway.ts'
import type { ConfigurationReader } from '../core/inspection/definitions/configuration-inspector.ts'
import { Inspection } from '../core/inspection/inspection.ts'
import { LoginThrottle } from '../core/limits/login-throttle.ts'
import { Throttle } from '../core/limits/throttle.ts'
import { CursorCodec } from '../core/model/cursor.ts'
import { errorText } from '../core/model/error-text.ts'
import { OfflineHook } from '../core/offline/offline-hook.ts'
import { offlinePublication } from '../core/offline/offline-publication.ts'
import type { Observer } from '../core/ports/observer.ts'
import { Presence } from '../core/presence/presence.ts'
import { presencePublication } from '../core/presence/presence-publication.ts'
import type { SocketRoom } from '../core/sessions/connections.ts'
import { type Served, ServedSchema } from '../events/serving/served-schema.ts'
import { schemaFor } from '../graphql/schema.ts'
import { openFilesLimit, socketsWithin } from '../observability/process/open-files.ts'
import { processUsage } from '../observability/process/process-usage.ts'
import type { OpenTracing } from '../observability/tracing.ts'
import { lazyStateStore, openStateStore } from '../registries/state/open-state-store.ts'
import type { Closing } from './closing.ts'
import type { openTypedEvents, TypedEvents } from './event-schema.ts'
import type { Identities } from './identities.ts'
import { schemaWithoutEvents } from './inspection/no-schema.ts'
import { draftMaker } from './inspection/schema-drafts.ts'
import type { Brokerage, OpenRegistryParts } from './storage.ts'

export interface CoreParts extends Brokerage, OpenRegistryParts {
  readonly observer: Observer
  readonly closing: Closing
  readonly identities: Identities
  readonly policy: RegistrationPolicy
  /** Where the embedded databases are. */
  readonly registryDir: string
  /** The options that a reload changes. */
  readonly live: Config
  readonly configuration: ConfigurationReader
  /** Which of several processes on the same ports this is. */
  readonly worker: number | undefined
}

export interface Core {
  readonly gateway: Gateway
  readonly cluster: Cluster
  /** Undefined with `WARREN_PRESENCE=off`. */
  readonly presence: Presence | undefined
  /** Undefined with `WARREN_OFFLINE=off`. */
  readonly offline: OfflineHook | undefined
  readonly inspection: Inspection
  readonly clientChannels: ClientChannels
  /** The schema that is served. */
  readonly served: ServedSchema
  /** Undefined without `WARREN_SCHEMA`. */
  readonly typed: TypedEvents | undefined
}

/** How often it is logged that no file is left, in milliseconds. */
const fullEveryMs = 60_000

/** Makes the gateway; it serves nothing before `Gateway.open` is called. */
export async function createCore(config: Config, parts: CoreParts): Promise<Core> {
  const { observer, closing, identities, live, worker, registry, keys } = parts
  const { secret, signer } = identities
  const replica = `${hostname()}:${config.port}${worker === undefined ? '' : `/${worker}`}`
  const tracing =
    config.tracesUrl === undefined ? undefined : await traceTo({ endpoint: config.tracesUrl, version, replica })
  if (tracing) closing.add(() => tracing.close())
  const coreSchema = schemaFor(config)
  const typed =
    config.schema === undefined
      ? undefined
      : await typedEvents({ ...config, schema: config.schema }, { ...parts, coreSchema })
  const cluster = new Cluster({
    replica,
    version,
    control: parts.control,
    log: (...line) => observer.log(...line),
  })
  const presence = config.presence
    ? new Presence({
        cluster,
        control: parts.control,
        store: parts.directory,
        graceMs: () => config.presenceGraceMs,
        publish: async (change) => {
          await parts.broker.publish(presencePublication(config.namespace, change))
        },
        logError: (what, error) => observer.log('warn', `${what} failed: ${errorText(error)}`),
      })
    : undefined
  const offline =
    config.offline && presence
      ? new OfflineHook({
          cluster,
          presence,
          control: parts.control,
          graceMs: config.presenceGraceMs,
          quietMs: config.offlineQuietMs,
          maxClients: config.maxOfflineClients,
          maxPerSecond: config.maxOfflineRate,
          publish: async (absence) => {
            await parts.broker.publish(offlinePublication(config.namespace, absence))
          },
          log: (text) => observer.log('warn', text),
        })
      : undefined
  observer.clusterCounts(() => ({
    replicas: cluster.members.alive.length,
    presence: presence?.counts,
    offline: offline?.counts,
  }))
  const gateway = new Gateway({
    presence,
    offline,
    ...(typed ? { events: typed.events, states: statesOf(typed, config, parts) } : {}),
    replica,
    replicaAlias: createHmac('sha256', secret).update(`replica ${replica}`).digest('hex').slice(0, 16),
    tracing,
    namespace: config.namespace,
    journal: parts.journal,
    hotWindow: parts.hotWindow,
    broker: parts.broker,
    control: parts.control,
    cluster,
    registry,
    positionStore: parts.positionStore,
    keys,
    cursors: new CursorCodec(keys, config.retention.maxAgeMs),
    observer,
    limits: live,
    socketRoom: await socketRoom(parts),
    onState: parts.reportJournal,
  })
  observer.stateCounts(() => gateway.states?.counts ?? [])
  observer.positionCounts(() => gateway.positions.counts)
  const clientChannels = new ClientChannels({
    registry,
    passwords: createPasswords(config.maxPasswordChecks),
    failures: new LoginThrottle(config.maxPasswordFailures),
    issueToken: (clientId, issuedAfter) =>
      signer.sign({
        clientId,
        scope: [],
        ttlSeconds: config.tokenTtlMs / 1000,
        issuedAfter: latest(gateway.barredUntil(clientId), issuedAfter),
      }),
    policy: parts.policy,
    bans: gateway.bans,
    position: () => gateway.exactPosition(),
  })
  const served = new ServedSchema(typed?.served ?? (await withoutEvents(coreSchema, config)))
  const schema = typed?.reader ?? schemaWithoutEvents(() => served.current.schema)
  const usage = processUsage()
  closing.add(() => usage.close())
  const inspection = new Inspection({
    gateway,
    cluster,
    usage,
    observer,
    directory: parts.directory,
    presence,
    broker: parts.broker.operator,
    maxDecodedBytes: () => live.maxDecodedBytes,
    drainMs: () => live.drainMs,
    isWorker: worker !== undefined,
    journal: parts.journal,
    hotWindow: parts.hotWindow,
    configuration: parts.configuration,
    schema,
    makeDraft: draftMaker(config, { coreSchema, team: () => schema.files() }),
  })
  return {
    gateway,
    cluster,
    presence,
    offline,
    inspection,
    clientChannels,
    served,
    typed,
  }
}

/** Opens the store when the first field with `@state` needs it. */
function statesOf({ events }: TypedEvents, config: Config, { closing, live, registryDir }: CoreParts) {
  const store = lazyStateStore(() => openStateStore({ databaseUrl: config.databaseUrl, dataDir: registryDir }))
  closing.add(() => store.close())
  return { store, definitions: () => events.states, limits: live }
}

/** The sockets that fit into the limit of open files. */
async function socketRoom({ observer, closing }: CoreParts): Promise<SocketRoom> {
  const openFiles = (await openFilesLimit()) ?? Number.POSITIVE_INFINITY
  const most = socketsWithin(openFiles)
  const text = 'new connections are closed at once: the limit of open files leaves no room for them'
  const full = new Throttle(() => observer.log('warn', text, { openFiles, connections: most }), fullEveryMs)
  closing.add(() => full.close())
  return { most, onFull: () => full.call() }
}

/** Loads OpenTelemetry only if it is used, because it is large. */
async function traceTo(options: { endpoint: string; version: string; replica: string }): Promise<OpenTracing> {
  const { openTracing } = await import('../observability/tracing.ts')
  return openTracing(options)
}

async function withoutEvents(coreSchema: GraphQLSchema, { federation }: Pick<Config, 'federation'>): Promise<Served> {
  if (!federation) return { schema: coreSchema, operations: undefined, named: undefined }
  const { asSubgraph } = await import('../events/federation/subgraph.ts')
  const schema = asSubgraph(coreSchema, { coreSchema, team: undefined })
  const operators = { schema: coreSchema, operations: undefined, named: undefined }
  return { schema, operations: undefined, named: undefined, operators }
}

/** Loads the code of typed events only if it is used, because it is large. */
async function typedEvents(...parameters: Parameters<typeof openTypedEvents>): Promise<TypedEvents> {
  const { openTypedEvents: open } = await import('./event-schema.ts')
  return open(...parameters)
}
