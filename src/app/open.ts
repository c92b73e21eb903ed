import { createHmac } from 'node:crypto'
import { hostname } from 'node:os'
import { authenticate, type Credentials } from '../auth/authenticate.ts'
import { eitherVerifier } from '../auth/tokens/either-verifier.ts'
import { jwksVerifier } from '../auth/tokens/jwks.ts'
import { hmacSigner, hmacVerifier } from '../auth/tokens/jwt.ts'
import { anonymousFor } from '../auth/legacy-access.ts'
import { createPasswords } from '../auth/passwords/passwords.ts'
import { tellingRefusals } from '../auth/tokens/log-rejections.ts'
import { remembering } from '../auth/remembered-tokens.ts'
import { openSealedKey, sealKey } from '../auth/sealed-key.ts'
import { readOrCreateSecret } from '../auth/secret.ts'
import type { TokenVerifier } from '../auth/tokens/token-verifier.ts'
import { checkTogether } from '../config/checks/check-together.ts'
import type { Config } from '../config/options/options.ts'
import { registrationOf } from '../config/checks/registration.ts'
import { reload } from '../config/reload.ts'
import { version } from '../config/version.ts'
import { clientKeys } from '../core/sessions/authorizer.ts'
import { ClientChannels } from '../core/clients/client-channels.ts'
import { CursorCodec } from '../core/model/cursor.ts'
import { DeploymentKeys } from '../core/clients/deployment-keys.ts'
import { Gateway } from '../core/gateway.ts'
import { anonymous, publishWord } from '../core/model/identity.ts'
import type { Journal } from '../core/ports/journal.ts'
import { latest } from '../core/clients/latest-date.ts'
import type { Observer } from '../core/ports/observer.ts'
import { PagesUnderWay } from '../core/sessions/page-limits.ts'
import { PasswordFailures } from '../core/limits/login-throttle.ts'
import { reportRegisteredClients } from '../core/clients/registered-clients.ts'
import { defaultRoutingKey } from '../core/model/source.ts'
import type { GatewayBroker } from '../brokers/driver.ts'
import { openDriver } from '../distributor/open-driver.ts'
import type { ErrorCode } from '../errors.ts'
import { schemaFor } from '../graphql/schema.ts'
import { MemoryJournal } from '../brokers/embedded/journal.ts'
import { Recent } from '../hot-window/hot-window.ts'
import { StreamJournal } from '../brokers/rabbitmq/stream/stream-journal.ts'
import type { AgreeOnKey } from '../brokers/rabbitmq/stream/stream-epoch.ts'
import { Health } from '../observability/health.ts'
import { createLogger } from '../observability/logger.ts'
import { createMetrics, type Metrics } from '../observability/metrics.ts'
import { observerOf } from '../observability/observer-of.ts'
import { openOpsListener } from '../observability/ops-listener.ts'
import { OutageLog } from '../observability/outage-log.ts'
import type { OpenTracing } from '../observability/tracing.ts'
import { answeringRegistry } from '../registries/reporting-registry.ts'
import { openRegistry } from '../registries/open-registry.ts'
import { serveClientPage } from '../transports/client-page/client-page.ts'
import { FanOut } from '../transports/graphql/fan-out.ts'
import { GraphiQLPage, wantsPage } from '../transports/graphql/graphiql/page.ts'
import { createGraphQLHttp, serveGraphQL } from '../transports/graphql/http.ts'
import { createGraphQLWs } from '../transports/graphql/ws/endpoint.ts'
import { hostsOf, opsHosts } from '../transports/http/hosts.ts'
import { maxBodyBytesOf, openHttpListener, type UpgradeHandler } from '../transports/http/http-listener.ts'
import { landingPage } from '../transports/http/landing-page.ts'
import { OpenDocuments } from '../transports/graphql/open-documents.ts'
import { Origins } from '../transports/http/origins.ts'
import { Outboxes } from '../transports/flow/outbox.ts'
import { PageGuard } from '../transports/http/page-guard.ts'
import { admitRequests } from '../transports/graphql/request-rates.ts'
import { RequestTurns } from '../transports/http/request-turns.ts'
import { createRest } from '../transports/rest/endpoint.ts'
import { createSocketCluster } from '../transports/socketcluster/endpoint.ts'
import { openEcho } from '../transports/tcp/echo.ts'
import { openFramedTcp } from '../transports/tcp/framed-listener.ts'
import { UnfinishedMessages } from '../transports/flow/unfinished-messages.ts'
import { createWebSocketManager } from '../transports/room/endpoint.ts'

export interface App {
  /** Where each endpoint is, in the order in which a newcomer wants to know. */
  readonly endpoints: readonly { readonly name: string; readonly url: string }[]
  /** To paste into GraphiQL; only where the secret was generated, and so nobody has one yet. */
  readonly operatorToken: string | undefined
  /** What the operator should know: what is open, what is not there yet. */
  readonly notes: readonly string[]
  /** The running core: what there is to see of it beyond the metrics. */
  readonly gateway: Gateway
  /** Reads the configuration again and takes on what may change; `read` may throw `ConfigError`, and then nothing changes. Closes nobody. */
  reload(read: () => Config): void
  /**
   * Ends sessions over WARREN_DRAIN, or over `drainMs`, then closes everything in the reverse order of opening. `handOver`: others listen on the same
   * ports, so that whoever connects meanwhile is left to them.
   */
  close(options?: { drainMs?: number; handOver?: boolean }): Promise<void>
}

/** What holds now: a reload changes it. */
type Live = { -readonly [Name in keyof Config]: Config[Name] }

type Closing = ((how: { drainMs: number; handOver: boolean }) => Promise<void> | void)[]

/** How long the token that is printed at the start lives, in seconds. */
const printedTokenSeconds = 24 * 60 * 60
/** How much of the past a starting replica reads into its hot window at most, where the window is bounded by its size alone. */
const maxWarmMs = 5 * 60 * 1000
/** How often the registry is asked whether it is there, in milliseconds. */
const registryProbeMs = 5_000

/** What is not of the configuration. `metrics`: in place of those that are printed. `worker`: which of several processes on the same ports this is. */
interface Circumstances {
  readonly metrics: Metrics
  readonly health: Health
  readonly worker: number | undefined
}

/** Opens everything in order and wires it together; resolves when clients can connect. The broker may be away: then it is not ready. */
export async function openApp(
  config: Config,
  { metrics = createMetrics(), health = new Health(), worker }: Partial<Circumstances> = {},
): Promise<App> {
  const closing: Closing = []
  const live: Live = { ...config }
  const close: App['close'] = async ({ drainMs = live.drainMs, handOver = false } = {}) => {
    for (const step of closing.splice(0).toReversed()) await step({ drainMs, handOver })
  }
  try {
    return await open(config, { metrics, health, worker }, live, closing, close)
  } catch (error) {
    await close({ drainMs: 0 })
    throw error
  }
}

async function open(
  config: Config,
  { metrics, health, worker }: Circumstances,
  live: Live,
  closing: Closing,
  close: App['close'],
): Promise<App> {
  const logger = createLogger({ level: config.logLevel, format: config.logFormat, worker })
  const observer = observerOf(logger, metrics)
  closing.push(() => observer.log('info', 'closed', metrics.balance()))

  const { secret, generated } =
    config.jwtSecret === undefined
      ? await readOrCreateSecret(config.dataDir)
      : { secret: config.jwtSecret, generated: false }
  checkTogether(config, { secretGenerated: generated })
  const signer = hmacSigner({ secret })
  const verifier = verifierOf(config, secret)

  const ops =
    config.opsPort === 'off'
      ? undefined
      : await openOpsListener({
          host: config.opsHost,
          port: config.opsPort,
          allowsHost: opsHosts(config),
          health,
          metrics,
          turns: new RequestTurns(config.keepAliveMs),
        })
  closing.push(() => ops?.close())
  const database = await openRegistry({ databaseUrl: config.databaseUrl, dataDir: config.dataDir })
  closing.push(() => database.close())
  const registry = answeringRegistry(database, (error) =>
    observer.log('warn', error instanceof Error ? error.message : String(error)),
  )
  const keys = await DeploymentKeys.open(database)
  health.report('registry', true)
  const probe = setInterval(() => {
    database.check().then(
      () => health.report('registry', true),
      (error: unknown) => health.report('registry', false, error instanceof Error ? error.message : String(error)),
    )
  }, registryProbeMs)
  closing.push(() => clearInterval(probe))

  const policy = registrationOf(config)
  const hasProvider = config.jwksUrl !== undefined
  await reportRegisteredClients(policy, { registry, hasProvider, log: (...line) => observer.log(...line) })

  const outages = new OutageLog((...line) => observer.log(...line))
  const broker = await openBroker(config, observer, outages)
  closing.push(() => broker.close())
  closing.push(() => outages.close())
  // A PostgreSQL registry is shared by all replicas, and so are its keys.
  const agreeOnKey = config.databaseUrl === undefined ? agreementOn(keys, secret) : undefined
  const { journal, recent } = openJournal(config, broker, agreeOnKey)
  closing.push(() => journal.close())
  const control = broker.openControlBus(keys)
  closing.push(() => control.close())

  const states: { broker: BrokerState; journal: BrokerState } = {
    broker: broker.state,
    journal: { up: false, reason: 'the journal is being opened' },
  }
  const reportBroker = (): void => {
    const down = [states.broker, states.journal].filter((state) => !state.up)
    const reasons = new Set(down.flatMap(({ reason }) => reason ?? []))
    observer.brokerUp(down.length === 0)
    health.report('broker', down.length === 0, [...reasons].join('; ') || undefined)
  }
  broker.onState((state) => {
    states.broker = state
    reportBroker()
  })
  const replica = `${hostname()}:${config.port}${worker === undefined ? '' : `/${worker}`}`
  const tracing =
    config.tracesUrl === undefined ? undefined : await traceTo({ endpoint: config.tracesUrl, version, replica })
  if (tracing) closing.push(() => tracing.close())
  const gateway = new Gateway({
    replica,
    replicaAlias: createHmac('sha256', secret).update(`replica ${replica}`).digest('hex').slice(0, 16),
    tracing,
    namespace: config.namespace,
    journal,
    recent,
    broker,
    control,
    registry,
    keys,
    cursors: new CursorCodec(keys, config.retention.maxAgeMs),
    observer,
    limits: live,
    onState: (state) => {
      states.journal = state
      outages.report('journal', 'nothing is delivered', state.reason)
      reportBroker()
    },
  })
  const clientChannels = new ClientChannels({
    registry,
    passwords: createPasswords(config.maxPasswordChecks),
    failures: new PasswordFailures(config.maxPasswordFailures),
    issueToken: (clientId, issuedAfter) =>
      signer.sign({
        clientId,
        scope: [],
        ttlSeconds: config.tokenTtlMs / 1000,
        issuedAfter: latest(gateway.barredUntil(clientId), issuedAfter),
      }),
    policy,
    bars: gateway.bars,
    position: () => gateway.exactPosition(),
  })

  const schema = schemaFor(config)
  const onExecute = () => observer.executed()
  const telling = tellingRefusals((text, details) => observer.log('info', text, details))
  const admitRequest = admitRequests({
    limits: live,
    proxyHops: config.proxyHops,
    identify: (authorization) => authenticate(verifier, { authorization }),
  })
  const graphql = {
    admitRequest,
    pages: new PagesUnderWay(live),
    fanOut: new FanOut(schema, onExecute),
    gateway,
    clientChannels,
    settings: { ...config, version },
    authenticate: (credentials: Credentials) =>
      telling(async () => {
        const identity = await authenticate(verifier, credentials)
        gateway.checkStanding(identity)
        return identity
      }),
    onRefusal: (code: ErrorCode) => observer.refused(code),
    log: (text: string, details: Record<string, unknown>) => observer.log('error', text, details),
  }
  const origins = new Origins(config.allowedOrigins ?? [])
  const guard = new PageGuard({
    origins,
    hosts: hostsOf(config, config.host),
    log: (text, details) => observer.log('warn', text, details),
  })
  const yoga = createGraphQLHttp({ ...graphql, schema, onExecute, origins, introspection: config.introspection })
  const outboxes = new Outboxes((error) =>
    observer.log('error', 'a socket could not be written to, and was closed', {
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  )
  const { connections } = gateway
  const unfinished = new UnfinishedMessages({ ...config, limits: live })
  observer.outboxBytes(() => outboxes.bytes)
  const graphqlWs = createGraphQLWs({
    ...graphql,
    yoga,
    maxFrameBytes: config.maxFrameBytes,
    maxMessageBytes: config.maxMessageBytes,
    introspection: config.introspection,
    maxBufferedBytes: config.maxBufferedBytes,
    authTimeoutMs: config.authTimeoutMs,
    unfinished,
    openDocuments: new OpenDocuments(live),
    outboxes,
  })
  closing.push(() => graphqlWs.close())
  const legacy = { stranger: anonymousFor(config.legacyAccess), strangersMayStay: config.legacyAccess === 'open' }
  const webSocketManager = config.room
    ? createWebSocketManager({
        ...graphql,
        ...config,
        ...legacy,
        broker,
        inExchange: config.towsmanagerExchange,
        outExchange: config.wsmanagerExchange,
        unfinished,
        outboxes,
        log: (level, text, details) => observer.log(level, text, details),
      })
    : undefined
  closing.push(() => webSocketManager?.close())
  const socketCluster = config.socketcluster
    ? createSocketCluster({ ...config, ...graphql, access: config.legacyAccess, unfinished, outboxes })
    : undefined
  closing.push(() => socketCluster?.close())
  const defaultSource = {
    exchange: `${config.namespace}.events`,
    exchangeType: 'TOPIC',
    routingKey: defaultRoutingKey,
    clientId: undefined,
  } as const
  const rest = createRest({
    ...config,
    ...graphql,
    guard,
    access: config.legacyAccess,
    defaultSource,
    issuePublisherToken: async ({ clientId, expiresAt }) => {
      // Else whoever asks again and again has one for ever.
      const left = expiresAt === undefined ? Number.POSITIVE_INFINITY : (expiresAt.getTime() - Date.now()) / 1000
      const ttlSeconds = Math.max(1, Math.min(config.tokenTtlMs / 1000, left))
      const scope = [publishWord(defaultSource.exchange, clientKeys)]
      const issuedAfter = clientId === undefined ? undefined : gateway.barredUntil(clientId)
      const grant = { clientId, scope, ttlSeconds, issuedAfter }
      return (await signer.sign(grant)).token
    },
  })
  const graphiql = config.graphiql ? new GraphiQLPage() : undefined
  const http = await openHttpListener({
    host: config.host,
    port: config.port,
    guard,
    maxBodyBytes: config.maxMessageBytes,
    maxBodyBytesOf: async ({ headers: { authorization } }) =>
      maxBodyBytesOf(await authenticate(verifier, { authorization }).catch(() => anonymous), config.maxMessageBytes),
    proxyHops: config.proxyHops,
    maxConnections: config.maxConnections,
    keepAliveMs: config.keepAliveMs,
    connections,
    onUnexpectedProxy: () =>
      observer.log(
        'warn',
        'a request has the header X-Forwarded-For, and WARREN_PROXY_HOPS is 0: limits by address count the proxy as one client. Set WARREN_PROXY_HOPS to the number of proxies in front.',
      ),
    requestTimeoutMs: config.requestTimeoutMs,
    onError: (error) =>
      observer.log('error', `a request failed: ${error instanceof Error ? error.message : String(error)}`),
    requests: new Map([
      ...(config.rest ? rest : []),
      [
        '/',
        landingPage({
          version,
          graphiql: config.graphiql,
          room: config.room,
          broker: () => (gateway.up ? 'UP' : 'DOWN'),
        }),
      ],
      ...(config.room ? ([['/client', serveClientPage]] as const) : []),
      [
        '/graphql',
        (request, response) =>
          graphiql && wantsPage(request)
            ? graphiql.serve(request, response)
            : serveGraphQL(yoga, guard, request, response),
      ],
    ]),
    upgrades: new Map<string, UpgradeHandler>([
      ['/graphql', (request, socket, head) => graphqlWs.upgrade(request, socket, head)],
      ...upgradesAt('/ws', webSocketManager),
      ...upgradesAt('/socketcluster/', socketCluster),
    ]),
  })
  closing.push(() => http.close())
  const onTcp = {
    ...graphql,
    ...config,
    ...legacy,
    connections,
    unfinished,
    outboxes,
    idleTimeoutMs: config.tcpIdleTimeoutMs,
    authenticate: (token: string) => graphql.authenticate({ connectionParams: { token } }),
  }
  const tcp = config.tcpPort === 'off' ? undefined : await openFramedTcp({ ...onTcp, port: config.tcpPort })
  closing.push(() => tcp?.close())
  const echo = config.tcpEchoPort === 'off' ? undefined : await openEcho({ ...onTcp, port: config.tcpEchoPort })
  closing.push(() => echo?.close())
  closing.push(() => gateway.close())
  closing.push(({ drainMs, handOver }) => {
    health.drain()
    http.drain()
    if (handOver) for (const listener of [http, tcp, echo]) listener?.stopAccepting()
    return gateway.drain(drainMs)
  })

  await gateway.open(defaultSource)

  const base = `${urlHost(config.host)}:${http.port}`
  return {
    endpoints: [
      ...(config.graphiql ? [{ name: 'GraphiQL', url: `http://${base}/graphql` }] : []),
      { name: 'GraphQL over HTTP, SSE', url: `http://${base}/graphql` },
      { name: 'graphql-transport-ws', url: `ws://${base}/graphql` },
      ...(config.room
        ? [
            { name: 'plain WebSocket', url: `ws://${base}/ws` },
            { name: 'its page', url: `http://${base}/client` },
          ]
        : []),
      ...(tcp ? [{ name: 'framed TCP', url: `tcp://${urlHost(config.host)}:${tcp.port}` }] : []),
      ...(echo ? [{ name: 'TCP echo', url: `tcp://${urlHost(config.host)}:${echo.port}` }] : []),
      ...(config.socketcluster ? [{ name: 'SocketCluster', url: `ws://${base}/socketcluster/` }] : []),
      ...(ops ? [{ name: 'health and metrics', url: `${ops.url}/readyz` }] : []),
    ],
    operatorToken: generated
      ? (await signer.sign({ scope: ['operator'], ttlSeconds: printedTokenSeconds })).token
      : undefined,
    notes: [
      `GraphiQL is ${onOff(config.graphiql)}, introspection ${onOff(config.introspection)}, test routes ${onOff(config.testRoutes)}, registration ${policy.mode}.`,
      ...(broker.kind === 'routing'
        ? [
            'The broker is the embedded one: messages live in this process and end with it. Set WARREN_BROKER_URL for RabbitMQ.',
          ]
        : []),
    ],
    gateway,
    reload(read) {
      try {
        const { config: next, changed, needsRestart } = reload(live, read())
        Object.assign(live, next)
        logger.setLevel(live.logLevel)
        http.setMaxConnections(live.maxConnections)
        observer.log('info', 'the options were read again', { changed, needsRestart })
      } catch (error) {
        observer.log('error', 'the options could not be read again, and stay as they are', { error })
      }
    },
    close,
  }
}

/** None where the endpoint is off. */
function upgradesAt(
  path: string,
  endpoint: { upgrade: UpgradeHandler } | undefined,
): (readonly [string, UpgradeHandler])[] {
  return endpoint ? [[path, (request, socket, head) => endpoint.upgrade(request, socket, head)]] : []
}

/** Loaded only where it is wanted: OpenTelemetry brings much. */
async function traceTo(options: { endpoint: string; version: string; replica: string }): Promise<OpenTracing> {
  const { openTracing } = await import('../observability/tracing.ts')
  return openTracing(options)
}

interface BrokerState {
  readonly up: boolean
  readonly reason?: string
}

async function openBroker(config: Config, observer: Observer, outages: OutageLog): Promise<GatewayBroker> {
  const driver = await openDriver(config.brokerUrl, {
    namespace: config.namespace,
    log: (level, text, details) => observer.log(level, text, details),
    onUnreadable: () => observer.messageUnreadable(),
    onNotStored: (messages) => observer.messagesNotStored(messages),
    onInterrupted: (part, what, reason) => outages.report(part, what, reason),
  })
  if (!driver.gateway)
    throw new Error('WARREN_BROKER_URL: this driver cannot carry a gateway; use memory:, amqp: or amqps:')
  return driver.gateway({
    queue: `${config.namespace}.journal`,
    publishTimeoutMs: config.publishTimeoutMs,
    maxMessageBytes: config.maxMessageBytes,
  })
}

/** The journal, and what the gateway keeps of its end. */
function openJournal(
  config: Config,
  broker: GatewayBroker,
  agreeOnKey: AgreeOnKey | undefined,
): { journal: Journal; recent: Recent } {
  if (broker.kind === 'routing') {
    const journal = new MemoryJournal(config.retention)
    broker.onRouted((message) => journal.append(message))
    return { journal, recent: journal.recent(config.hotWindow) }
  }
  const journal = new StreamJournal({
    name: `${config.namespace}.journal`,
    retention: config.retention,
    warmMs: Math.min(config.hotWindow.maxAgeMs, maxWarmMs),
    openLink: (options) => broker.openLink(options),
    publish: (publication) => broker.publishMark(publication),
    onEntry: (entry) => broker.onJournalEntry(entry),
    bindSources: () => broker.bindAllAgain(),
    agreeOnKey,
  })
  broker.useFence(() => journal.mark())
  return { journal, recent: new Recent(config.hotWindow) }
}

/**
 * The key that another replica has written last is taken; where there is none that this secret
 * opens, ours is written.
 */
function agreementOn(keys: DeploymentKeys, jwtSecret: string): AgreeOnKey {
  return async (sealed) => {
    for (const text of sealed.toReversed()) {
      const key = openSealedKey(text, jwtSecret)
      if (!key) continue
      await keys.adopt(key)
      return text
    }
    return sealKey(keys.current, jwtSecret)
  }
}

function verifierOf(config: Config, secret: string): TokenVerifier {
  const own = remembering(hmacVerifier({ secret }))
  if (config.jwksUrl === undefined) return own
  return eitherVerifier(
    own,
    jwksVerifier({
      url: new URL(config.jwksUrl),
      issuer: config.jwtIssuer,
      audience: config.jwtAudience,
      reservedPrefix: config.registrationPrefix,
    }),
  )
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

function onOff(on: boolean): string {
  return on ? 'on' : 'off'
}
