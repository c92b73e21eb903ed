import { checkTogether } from '../config/checks/check-together.ts'
import { identityProvidersOf, sharesClientIds } from '../config/checks/identity-providers.ts'
import { registrationOf } from '../config/checks/registration.ts'
import type { Config } from '../config/options/options.ts'
import { reportRegisteredClients } from '../core/clients/registered-clients.ts'
import type { Cluster } from '../core/cluster/cluster.ts'
import type { Gateway } from '../core/gateway.ts'
import { defaultRoutingKey } from '../core/model/source.ts'
import { Health } from '../observability/health.ts'
import { createLogger } from '../observability/logger.ts'
import { createMetrics, type Metrics } from '../observability/metrics.ts'
import { observerOf } from '../observability/observer-of.ts'
import { openOpsListener } from '../observability/ops-listener.ts'
import { openWorkerConsole, type WorkerConsoleAddress } from '../transports/console/worker-console.ts'
import { boundedRequest } from '../transports/http/bounded-request.ts'
import { opsHosts } from '../transports/http/hosts.ts'
import { RequestTurns } from '../transports/http/request-turns.ts'
import { Closing } from './closing.ts'
import { createCore } from './core.ts'
import { type Endpoint, endpointsOf } from './endpoints.ts'
import { openIdentities } from './identities.ts'
import { RunningConfiguration } from './inspection/running-configuration.ts'
import { reloader } from './reload.ts'
import { schemaReloader, watchSchema } from './schema-reload.ts'
import type { openSourcesFile } from './sources/apply-sources.ts'
import { openBrokerage, openClientRegistry } from './storage.ts'
import { openTransports } from './transports.ts'

export interface App {
  /** In the order in which a new user needs them. */
  readonly endpoints: readonly Endpoint[]
  /**
   * A token for GraphiQL. Undefined unless the secret was generated, because then no client has a
   * token yet.
   */
  readonly operatorToken: string | undefined
  /** Sentences for the operator: what is open, and what is still missing. */
  readonly notes: readonly string[]
  /** The running core, for values that the metrics do not contain. */
  readonly gateway: Gateway
  readonly cluster: Cluster
  /** Where the primary reaches the console. Undefined unless `forPrimary` was set. */
  readonly console: WorkerConsoleAddress | undefined
  /**
   * Reads the configuration again and applies the options that may change. If `read` throws
   * (`ConfigError`), nothing changes and the error is logged. Closes no connection.
   */
  reload(read: () => Config): void
  /**
   * Ends sessions over WARREN_DRAIN, or over `drainMs`, then closes everything in the reverse order
   * of opening. `handOver`: other processes listen on the same ports, and new connections go to
   * them at once.
   */
  close(options?: { drainMs?: number; handOver?: boolean }): Promise<void>
}

/** How long the token that is printed at the start is valid, in seconds. */
const printedTokenSeconds = 24 * 60 * 60

/**
 * Inputs that do not come from the configuration. `metrics` replaces the default metrics. `worker`
 * is the number of this process among several on the same ports. `forPrimary`: the primary owns the
 * ops port. Serve the console to it, and open no ops port here.
 */
interface OpenOptions {
  readonly metrics: Metrics
  readonly health: Health
  readonly worker: number | undefined
  /** Where the embedded registry is, instead of WARREN_DATA_DIR. */
  readonly registryDir: string | undefined
  /** Where the embedded broker keeps its journal. Undefined: in memory. */
  readonly journalDir: string | undefined
  readonly forPrimary: boolean
}

/**
 * Opens everything in order and resolves when clients can connect. If the broker is unreachable,
 * the gateway opens anyway and is not ready. If another step fails, everything opened so far is
 * closed.
 */
export async function openApp(
  config: Config,
  {
    metrics = createMetrics(),
    health = new Health(),
    worker,
    registryDir,
    journalDir,
    forPrimary = false,
  }: Partial<OpenOptions> = {},
): Promise<App> {
  const closing = new Closing()
  try {
    return await open(config, { metrics, health, worker, registryDir, journalDir, forPrimary }, closing)
  } catch (error) {
    await closing.run({ drainMs: 0, handOver: false })
    throw error
  }
}

async function open(config: Config, options: OpenOptions, closing: Closing): Promise<App> {
  const { metrics, health, worker, registryDir = config.dataDir, journalDir } = options
  const live = { ...config }
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, worker })
  const observer = observerOf(logger, metrics)
  closing.add(() => observer.log('info', 'closed', metrics.balance()))

  const identities = await openIdentities(config)
  checkTogether(config, { secretGenerated: identities.secretGenerated })
  const requestClass = boundedRequest(config.maxMessageBytes, config.proxyHops)
  const ops =
    config.opsPort === 'off' || options.forPrimary
      ? undefined
      : await openOpsListener({
          host: config.opsHost,
          port: config.opsPort,
          allowsHost: opsHosts(config),
          health,
          metrics,
          turns: new RequestTurns(config.keepAliveMs),
          requestClass,
        })
  closing.add(() => ops?.close())

  if (sharesClientIds(identityProvidersOf(config)))
    observer.log(
      'warn',
      'WARREN_CLIENT_ID_CLAIM: an id of one identity provider is the same client as that id of another; give their ids a prefix (partner-=sub) unless they have the same users',
    )

  const sources = config.sources === undefined ? undefined : await openSources(config.sources)
  const { registry, directory, positionStore, keys } = await openClientRegistry(
    { ...config, dataDir: registryDir },
    { observer, health, closing },
  )
  const policy = registrationOf(config)
  const hasProvider = config.jwksUrl !== undefined
  await reportRegisteredClients(policy, { registry, hasProvider, log: (...line) => observer.log(...line) })

  const { secret, secretGenerated } = identities
  const brokerage = await openBrokerage(config, { observer, health, closing, keys, secret, journalDir })
  const facts = { secretGenerated, logFormat: logger.format }
  const configuration = new RunningConfiguration({ config, live, facts, keys })
  const core = await createCore(config, {
    ...brokerage,
    registryDir,
    configuration,
    registry,
    directory,
    positionStore,
    keys,
    observer,
    closing,
    identities,
    policy,
    live,
    worker,
  })
  const { gateway } = core
  const defaultSource = {
    exchange: `${config.namespace}.events`,
    exchangeType: 'TOPIC',
    routingKey: defaultRoutingKey,
    clientId: undefined,
  } as const
  const { broker } = brokerage
  const listeners = await openTransports(config, {
    ...core,
    observer,
    closing,
    identities,
    broker,
    defaultSource,
    live,
  }).catch(async (error: unknown) => {
    await gateway.close()
    throw error
  })
  if (listeners.console) ops?.add(listeners.console.ops)
  const workerConsole =
    options.forPrimary && listeners.console
      ? await openWorkerConsole(listeners.console.ops, { requestClass })
      : undefined
  closing.add(() => workerConsole?.close())
  closing.add(() => gateway.close())
  closing.add(() => gateway.states?.close())
  closing.add(() => core.cluster.close())
  closing.add(() => core.presence?.close())
  closing.add(() => core.offline?.close())
  closing.add(({ drainMs, handOver }) => {
    const { http, tcp, echo } = listeners
    health.drain('shutdown')
    http.drain(true)
    if (handOver) for (const listener of [http, tcp, echo]) listener?.stopAccepting()
    return gateway.drain(drainMs)
  })

  core.inspection.onDrain({
    onDrain: () => {
      health.drain('operator')
      listeners.http.drain(true)
    },
    onUndrain: () => {
      health.undrain()
      listeners.http.drain(false)
    },
  })
  await gateway.open(defaultSource, core.typed?.sources)
  core.cluster.open()
  core.presence?.open()
  core.offline?.open(gateway.visitRecent)
  const applyingSources = new AbortController()
  closing.add(() => applyingSources.abort())
  const { namespace } = config
  const reloadSources =
    sources && (() => sources.apply({ gateway, observer, namespace, signal: applyingSources.signal }))
  void reloadSources?.()
  const reloadSchema = core.typed && schemaReloader({ typed: core.typed, served: core.served, gateway, observer, live })
  if (reloadSchema && config.schema && config.schemaWatch)
    watchSchema(config.schema, reloadSchema, { observer, closing })

  return {
    endpoints: endpointsOf(config, { ...listeners, ops }),
    operatorToken: identities.secretGenerated
      ? (await identities.signer.sign({ scope: ['operator'], ttlSeconds: printedTokenSeconds })).token
      : undefined,
    notes: [
      `GraphiQL is ${onOff(config.graphiql)}, introspection ${onOff(config.introspection)}, test routes ${onOff(config.testRoutes)}, registration ${policy.mode}.`,
      ...broker.notes,
    ],
    gateway,
    cluster: core.cluster,
    console: workerConsole?.address,
    reload: reloader(live, {
      observer,
      logger,
      http: listeners.http,
      onReload: (next, reloaded) => configuration.onReload(next, reloaded),
      reloadSchema,
      reloadSources,
    }),
    close: ({ drainMs = live.drainMs, handOver = false } = {}) => closing.run({ drainMs, handOver }),
  }
}

/** Loads the code of source files only if it is used, because it is large. */
async function openSources(...parameters: Parameters<typeof openSourcesFile>): ReturnType<typeof openSourcesFile> {
  const { openSourcesFile: openFile } = await import('./sources/apply-sources.ts')
  return openFile(...parameters)
}

function onOff(on: boolean): string {
  return on ? 'on' : 'off'
}
