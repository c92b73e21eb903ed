import { authenticate, type Credentials } from '../auth/authenticate.ts'
import { anonymousFor } from '../auth/legacy-access.ts'
import { logRejections } from '../auth/tokens/log-rejections.ts'
import type { GatewayBroker } from '../brokers/driver.ts'
import type { Config } from '../config/options/options.ts'
import { version } from '../config/version.ts'
import { errorStack, errorText } from '../core/model/error-text.ts'
import { anonymous, publishWord } from '../core/model/identity.ts'
import type { SourceDefinition } from '../core/model/source.ts'
import type { Observer } from '../core/ports/observer.ts'
import { clientKeys } from '../core/sessions/authorizer.ts'
import { PageLimit } from '../core/sessions/page-limits.ts'
import type { ErrorCode } from '../errors.ts'
import { serveClientPage } from '../transports/client-page/client-page.ts'
import { Outboxes } from '../transports/flow/outbox.ts'
import { UnfinishedMessages } from '../transports/flow/unfinished-messages.ts'
import { FanOut } from '../transports/graphql/fan-out.ts'
import { GraphiQLPage, wantsPage } from '../transports/graphql/graphiql/page.ts'
import { headAsGet } from '../transports/graphql/http.ts'
import { admitRequests } from '../transports/graphql/request-rates.ts'
import { PersistedDocuments } from '../transports/graphql/requests/persisted-documents.ts'
import {
  type AnswerOptions,
  type HttpRoutes,
  maxBodyBytesOf,
  type UpgradeHandler,
} from '../transports/http/answer-request.ts'
import { hostsOf } from '../transports/http/hosts.ts'
import { type HttpListener, openHttpListener } from '../transports/http/http-listener.ts'
import { Origins } from '../transports/http/origins.ts'
import { PageGuard } from '../transports/http/page-guard.ts'
import { landingPage, serveIcon } from '../transports/landing/landing-page.ts'
import { createRest } from '../transports/rest/endpoint.ts'
import { createRoomEndpoint } from '../transports/room/endpoint.ts'
import { createSocketCluster } from '../transports/socketcluster/endpoint.ts'
import { openEcho } from '../transports/tcp/echo.ts'
import { openFramedTcp } from '../transports/tcp/framed-listener.ts'
import type { Closing } from './closing.ts'
import type { Core } from './core.ts'
import { type Console, createConsole } from './graphql/console.ts'
import { graphqlEndpoint } from './graphql/graphql-endpoint.ts'
import type { Identities } from './identities.ts'
import { readTrustedDocuments, type TrustedDocuments } from './trusted-documents.ts'

export interface TransportParts extends Core {
  readonly observer: Observer
  readonly closing: Closing
  readonly identities: Identities
  readonly broker: GatewayBroker
  readonly defaultSource: SourceDefinition
  /** The options that a reload changes. */
  readonly live: Config
}

/** The listeners that accept connections. */
export interface Listeners {
  readonly http: HttpListener
  readonly tcp: TcpListener | undefined
  readonly echo: TcpListener | undefined
  readonly console: Console | undefined
}

type Requests = HttpRoutes['requests']
type TcpListener = Awaited<ReturnType<typeof openFramedTcp>>

/**
 * Opens every transport that the configuration asks for; clients can connect when this resolves.
 */
export async function openTransports(config: Config, parts: TransportParts): Promise<Listeners> {
  const { observer, closing, live } = parts
  const trusted =
    config.trustedDocuments === undefined ? undefined : await readTrustedDocuments(config.trustedDocuments)
  const shared = sharedBy(config, parts, trusted)
  const upgrades = new Map<string, UpgradeHandler>()
  const addUpgrade = (path: string, endpoint: Upgrading): void => {
    closing.add(() => endpoint.close())
    upgrades.set(path, (request, socket, head) => endpoint.upgrade(request, socket, head))
  }
  const origins = new Origins(config.allowedOrigins ?? [])
  const guard = new PageGuard({
    origins,
    hosts: hostsOf(config, config.host),
    log: (text, details) => observer.log('warn', text, details),
  })
  const { graphql } = shared
  const endpoint = graphqlEndpoint(config, { ...graphql, ...shared.sockets }, { guard, origins, live })
  addUpgrade('/graphql', endpoint)
  const operators = config.console === 'off' ? undefined : openConsole(config, parts, { guard, origins, shared })
  if (config.room) {
    addUpgrade(
      '/ws',
      createRoomEndpoint({
        ...graphql,
        ...config,
        ...shared.sockets,
        ...shared.legacy,
        broker: parts.broker,
        inExchange: config.towsmanagerExchange,
        outExchange: config.wsmanagerExchange,
        log: (level, text, details) => observer.log(level, text, details),
      }),
    )
  }
  if (config.socketcluster) {
    const access = config.legacyAccess
    addUpgrade('/socketcluster', createSocketCluster({ ...config, ...graphql, ...shared.sockets, access }))
  }
  const graphiql = config.graphiql ? new GraphiQLPage() : undefined
  const requests: Requests = new Map([
    ...(config.rest ? restRoutes(config, parts, shared.graphql, guard) : []),
    ['/', landing(config, parts)],
    ['/favicon.svg', serveIcon],
    ...(config.room ? ([['/client', serveClientPage]] as const) : []),
    [
      '/graphql',
      (request, response) => {
        headAsGet(request)
        return graphiql && wantsPage(request) ? graphiql.serve(request, response) : endpoint.serve(request, response)
      },
    ],
  ])
  const onMain = config.console === 'on' ? operators?.routes : undefined
  const http = await listenForHttp(config, parts, {
    guard,
    requests: new Map([...requests, ...(onMain?.requests ?? [])]),
    trees: onMain?.trees,
    upgrades: new Map([...upgrades, ...(onMain?.upgrades ?? [])]),
  })
  closing.add(() => http.close())
  const onTcp = {
    ...graphql,
    ...config,
    ...shared.sockets,
    ...shared.legacy,
    connections: parts.gateway.connections,
    idleTimeoutMs: config.tcpIdleTimeoutMs,
    authenticate: (token: string) => graphql.authenticate({ connectionParams: { token } }),
  }
  const tcp = config.tcpPort === 'off' ? undefined : await openFramedTcp({ ...onTcp, port: config.tcpPort })
  closing.add(() => tcp?.close())
  const echo = config.tcpEchoPort === 'off' ? undefined : await openEcho({ ...onTcp, port: config.tcpEchoPort })
  closing.add(() => echo?.close())
  return { http, tcp, echo, console: operators }
}

interface Upgrading {
  readonly upgrade: UpgradeHandler
  close(): Promise<void> | void
}

/** Options that several transports share. */
function sharedBy(
  config: Config,
  { observer, identities, gateway, clientChannels, inspection, live, served }: TransportParts,
  trusted: TrustedDocuments | undefined,
) {
  const { verifier } = identities
  const onExecute = () => observer.executed()
  const logged = logRejections((text, details) => observer.log('info', text, details))
  const graphql = {
    served,
    onExecute,
    admitRequest: admitRequests({
      limits: live,
      proxyHops: config.proxyHops,
      identify: (authorization) => authenticate(verifier, { authorization }),
    }),
    pages: new PageLimit(live),
    documents: new PersistedDocuments(trusted),
    fanOut: new FanOut(served, onExecute),
    gateway,
    clientChannels,
    inspection,
    settings: { ...config, version },
    authenticate: (credentials: Credentials) =>
      logged(async () => {
        const identity = await authenticate(verifier, credentials)
        gateway.checkNotBarred(identity)
        return identity
      }),
    onRefusal: (code: ErrorCode) => observer.refused(code),
    log: (text: string, details: Record<string, unknown>) => observer.log('error', text, details),
    warn: (text: string, details: Record<string, unknown>) => observer.log('warn', text, details),
  }
  const outboxes = new Outboxes((error) =>
    observer.log('error', 'a socket could not be written to, and was closed', { error: errorStack(error) }),
  )
  observer.outboxBytes(() => outboxes.bytes)
  const unfinished = new UnfinishedMessages({ ...config, limits: live })
  const legacy = { anonymous: anonymousFor(config.legacyAccess), allowAnonymous: config.legacyAccess === 'open' }
  return { graphql, legacy, sockets: { unfinished, outboxes } }
}

function restRoutes(
  config: Config,
  { identities, gateway, defaultSource }: TransportParts,
  graphql: ReturnType<typeof sharedBy>['graphql'],
  guard: PageGuard,
): Requests {
  return createRest({
    ...config,
    ...graphql,
    guard,
    access: config.legacyAccess,
    defaultSource,
    issuePublisherToken: async ({ clientId, expiresAt }) => {
      // The new token must not outlive the token of the request, because it could be renewed
      // forever.
      const left = expiresAt === undefined ? Number.POSITIVE_INFINITY : (expiresAt.getTime() - Date.now()) / 1000
      const ttlSeconds = Math.max(1, Math.min(config.tokenTtlMs / 1000, left))
      const scope = [publishWord(defaultSource.exchange, clientKeys)]
      const issuedAfter = clientId === undefined ? undefined : gateway.barredUntil(clientId)
      const grant = { clientId, scope, ttlSeconds, issuedAfter }
      return (await identities.signer.sign(grant)).token
    },
  })
}

function openConsole(
  config: Config,
  { closing, live, observer, identities }: TransportParts,
  { guard, origins, shared }: { guard: PageGuard; origins: Origins; shared: ReturnType<typeof sharedBy> },
): Console {
  const opened = createConsole(config, {
    shared: { ...shared.graphql, ...shared.sockets },
    guard,
    origins,
    live,
    identities,
    maxBodyBytesOf: bodyBytesOf(config, identities.verifier),
    onError: (error) => observer.log('error', `a request failed: ${errorText(error)}`),
  })
  closing.add(() => opened.close())
  return opened
}

function bodyBytesOf(config: Config, verifier: Identities['verifier']): AnswerOptions['maxBodyBytesOf'] {
  return async ({ headers: { authorization } }) =>
    maxBodyBytesOf(await authenticate(verifier, { authorization }).catch(() => anonymous), config.maxMessageBytes)
}

function landing(config: Config, { gateway }: TransportParts) {
  return landingPage({
    ...config,
    version,
    broker: () => (gateway.up ? 'UP' : 'DOWN'),
  })
}

function listenForHttp(
  config: Config,
  { observer, identities: { verifier }, gateway }: TransportParts,
  routes: HttpRoutes & { guard: PageGuard },
): Promise<HttpListener> {
  return openHttpListener({
    ...routes,
    host: config.host,
    port: config.port,
    maxBodyBytes: config.maxMessageBytes,
    maxBodyBytesOf: bodyBytesOf(config, verifier),
    proxyHops: config.proxyHops,
    maxConnections: config.maxConnections,
    keepAliveMs: config.keepAliveMs,
    httpKeepAliveMs: config.httpKeepAliveMs,
    connections: gateway.connections,
    onUnexpectedProxy: () =>
      observer.log(
        'warn',
        'a request has the header X-Forwarded-For, and WARREN_PROXY_HOPS is 0: limits by address count the proxy as one client. Set WARREN_PROXY_HOPS to the number of proxies in front.',
      ),
    requestTimeoutMs: config.requestTimeoutMs,
    onError: (error) => observer.log('error', `a request failed: ${errorText(error)}`),
  })
}
