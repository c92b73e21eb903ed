import { registrationModes } from '../../core/clients/registration.ts'
import { overflowPolicies } from '../../core/model/overflow-policy.ts'
import { sourcesKeyword } from '../../core/publishing/publish-rights.ts'
import { brokers, host, hosts, httpUrl, origins, port, portOrOff, postgres, urlPrefixes } from '../kinds/addresses.ts'
import { bounds, bytes, count, duration, processes } from '../kinds/amounts.ts'
import { claimNames, httpUrls, idClaims, lines, scopeMap } from '../kinds/identity.ts'
import { clientSecret, httpOrigin, oidcIssuer, roleWords } from '../kinds/sign-in.ts'
import {
  choice,
  choices,
  directory,
  exchangeMap,
  exchangeName,
  exchangePatterns,
  idPrefix,
  line,
  namespace,
  onOff,
  paths,
  secret,
} from '../kinds/words.ts'
import { type Option, option, optional } from './option.ts'

/**
 * All options of the gateway. `docs/config.md`, `warren start --help` and every check use this
 * table. The key gives the names of the variable and the flag (`tcpPort`: `WARREN_TCP_PORT`,
 * `--tcp-port`).
 */
export const options = {
  host: option(host, {
    default: '127.0.0.1',
    group: 'Listening',
    help: 'Binds this address. Containers set 0.0.0.0. Beyond loopback, WARREN_JWT_SECRET is required.',
  }),
  port: option(port, { default: '4000', group: 'Listening', help: 'Port for HTTP, WebSocket, SSE and SocketCluster.' }),
  tcpPort: option(portOrOff, {
    default: '4001',
    group: 'Listening',
    help: 'Port for framed TCP (docs/protocols/tcp.md). off: closed.',
  }),
  tcpEchoPort: option(portOrOff, {
    default: 'off',
    group: 'Listening',
    help: 'Port that answers every byte with the same byte, to test a network path. off: closed.',
  }),
  opsPort: option(portOrOff, {
    default: '4002',
    group: 'Listening',
    help: 'Port for /livez, /readyz and /metrics. Never expose it to clients. off: closed.',
  }),
  opsHost: option(host, {
    default: '127.0.0.1',
    group: 'Listening',
    help: 'Binds WARREN_OPS_PORT to this address. The image sets 0.0.0.0, because probes and Prometheus connect from other machines.',
  }),
  console: option(choice('ops', 'on', 'off'), {
    default: 'ops',
    group: 'Listening',
    help: 'Where the console (/console) is served. ops: on the ops port. on: on WARREN_PORT too. off: nowhere. The ops port then serves /graphql for callers with the scope operator or observe.',
  }),
  allowedOrigins: optional(origins, {
    unset: 'the same origin and loopback',
    group: 'Listening',
    help: 'Allows browsers to call and connect from these origins, in addition to the same origin and loopback.',
  }),
  callbackUrls: optional(urlPrefixes, {
    unset: 'the HTTP callback protocol is off',
    group: 'Listening',
    help: 'Posts results of subscriptions to URLs within these, if a router asks for it (HTTP callback protocol 1.0, docs/protocols/callback.md).',
  }),
  allowedHosts: optional(hosts, {
    unset:
      'on loopback localhost, *.localhost, 127.0.0.1, [::1] and the hosts of WARREN_ALLOWED_ORIGINS; beyond loopback any',
    group: 'Listening',
    help: 'Allows these names in the header Host, with any port, in addition to those of this machine and of WARREN_ALLOWED_ORIGINS. If set, it applies beyond loopback too. It blocks web pages that make their own name resolve to this machine (DNS rebinding).',
  }),
  room: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'Serves the plain WebSocket at /ws and its page /client. off: both answer 404, and its exchanges are not declared.',
  }),
  socketcluster: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'Serves SocketCluster at /socketcluster/. off: it answers 404.',
  }),
  rest: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'Serves the REST routes of the old systems (/v1/…, /jwt, /health-check, /openapi.json). off: they answer 404.',
  }),
  proxyHops: option(count({ min: 0, max: 10 }), {
    default: '0',
    group: 'Listening',
    help: 'Number of your reverse proxies in front that append to X-Forwarded-For. Limits by address use the address that the outermost one saw.',
  }),

  brokerUrl: option(brokers, {
    default: 'memory:',
    group: 'RabbitMQ',
    help: 'Connects to this broker. Several URLs are the nodes of one cluster. memory: is the embedded broker, which loses its messages when the gateway ends. ?reader=amqplib in a URL replaces the reader of messages (src/brokers/rabbitmq/message/README.md).',
    secret: true,
    file: true,
  }),
  brokerCert: optional(line, {
    unset: 'no client certificate',
    group: 'RabbitMQ',
    help: 'PEM file with the client certificate for amqps:. It is read again for each connection. With ?auth_mechanism=external in the URL, RabbitMQ uses the certificate as the user.',
  }),
  brokerKey: optional(line, {
    unset: 'no client certificate',
    group: 'RabbitMQ',
    help: 'PEM file with the key of WARREN_BROKER_CERT.',
  }),
  brokerCa: optional(line, {
    unset: "Node's own authorities, and NODE_EXTRA_CA_CERTS",
    group: 'RabbitMQ',
    help: "PEM file with the certificate authorities for RabbitMQ's certificate. It replaces Node's own authorities.",
  }),
  brokerServerName: optional(line, {
    unset: 'the host of the URL',
    group: 'RabbitMQ',
    help: "Host name that RabbitMQ's certificate must contain.",
  }),
  namespace: option(namespace, {
    default: 'warren',
    group: 'RabbitMQ',
    help: 'Prefix of every exchange, queue and stream that Warren declares. All replicas of a deployment use the same one.',
  }),
  publishTimeoutMs: option(duration({ min: '100ms', max: '10m' }), {
    default: '10s',
    group: 'RabbitMQ',
    help: 'How long a publish waits for the confirmation of the broker.',
  }),
  publishExchanges: option(exchangePatterns, {
    default: sourcesKeyword,
    group: 'RabbitMQ',
    help: 'Exchanges to which any caller may publish, operators included. In patterns, * matches one word and # the rest, such as orders.*. The word sources allows the exchanges of all sources. Internal exchanges of the gateways match only by their full names.',
    reload: true,
  }),
  wsmanagerExchange: option(exchangeName, {
    default: 'wsmanager',
    group: 'RabbitMQ',
    help: 'Fanout exchange to which the plain WebSocket manager publishes the messages of its clients, for other programs.',
  }),
  towsmanagerExchange: option(exchangeName, {
    default: 'towsmanager',
    group: 'RabbitMQ',
    help: 'Fanout exchange from which the plain WebSocket manager sends every message to every client.',
  }),

  retention: option(bounds, {
    default: '24h,1GiB',
    group: 'Journal',
    help: 'Maximum age and size of the journal, which limit how far back a cursor can resume.',
  }),
  hotWindow: option(bounds, {
    default: '5m,64MiB',
    group: 'Journal',
    help: "Maximum age and size of the journal's end in memory. Subscriptions that resume within it do not read from the broker.",
  }),

  sources: optional(line, {
    unset: 'the sources of the registry',
    group: 'RabbitMQ',
    help: 'YAML file of sources, applied at the start and at SIGHUP: missing ones are created, and the log has the difference. With prune: true in the file, sources that are not in it are deleted.',
  }),

  presence: option(onOff, {
    default: 'on',
    group: 'Running',
    help: 'Keeps which clients are online, over all replicas, and publishes changes to the exchange `<namespace>.presence`. If off, `online` covers one replica, and `lastSeen` is null.',
  }),
  presenceGraceMs: option(duration({ min: '1s', max: '1h' }), {
    default: '10s',
    group: 'Running',
    help: 'How long a client may be without a session before it counts as offline. A client that reconnects within it, as in a rolling restart, never left.',
  }),
  positionTtlMs: option(duration({ min: '1m', max: '3650d' }), {
    default: '30d',
    group: 'Running',
    help: 'How long a named position is kept after its last use: an ack, or a subscription that has it. After that the name is unknown, and a subscription with it begins at the live end.',
  }),

  offline: option(onOff, {
    default: 'off',
    group: 'Running',
    help: 'Publishes a notice to the exchange `<namespace>.offline` when a message comes for a client without a session, so that a back end can send a push notification (docs/guides/offline.md). Needs WARREN_PRESENCE.',
  }),
  offlineQuietMs: option(duration({ min: '1s', max: '7d' }), {
    default: '1h',
    group: 'Running',
    help: 'How long a client gets no further notice after one. Its return ends this time.',
  }),
  maxOfflineClients: option(count({ min: 1, max: 10_000_000 }), {
    default: '100000',
    group: 'Running',
    help: 'Most clients that a replica remembers for offline notices, about 300 bytes each. Past it, the oldest quiet periods end early.',
  }),
  maxOfflineRate: option(count({ min: 1, max: 10_000 }), {
    default: '100',
    group: 'Running',
    help: 'Most offline notices a second, of the whole deployment. Further ones wait.',
  }),

  dataDir: option(directory, {
    default: './data',
    group: 'Registry',
    help: 'Directory of the embedded registry and of the generated secret.',
  }),
  databaseUrl: optional(postgres, {
    unset: 'embedded, in WARREN_DATA_DIR',
    group: 'Registry',
    help: 'Keeps the registry of clients and sources in this PostgreSQL database, so that several replicas share it.',
    secret: true,
    file: true,
  }),

  jwtSecret: optional(secret, {
    unset: 'generated once, kept in WARREN_DATA_DIR',
    group: 'Identity',
    help: 'Secret that signs and verifies tokens (HS256), such as the output of openssl rand -base64 32.',
    secret: true,
    file: true,
  }),
  jwksUrl: optional(httpUrls, {
    unset: 'no identity provider',
    group: 'Identity',
    help: 'URL of the keys (JWKS) of an identity provider, or of several. Their tokens are accepted too (RS, PS, ES, EdDSA).',
  }),
  jwtIssuer: optional(lines, {
    unset: 'not checked',
    group: 'Identity',
    help: "Required claim iss in the identity provider's tokens. With several providers, one for each URL of WARREN_JWKS_URL, in the same order: it selects the keys.",
  }),
  jwtAudience: optional(lines, {
    unset: 'not checked',
    group: 'Identity',
    help: "Required claim aud in the identity provider's tokens. One for all providers, or one for each.",
  }),
  clientIdClaim: option(idClaims, {
    default: 'sub',
    group: 'Identity',
    help: "Claim of the identity provider's tokens with the client id: a name, or a JSON pointer such as /customer/id. One for all providers, or one for each; partner-=sub puts partner- before the ids of a provider.",
  }),
  scopeClaim: option(claimNames, {
    default: 'scope',
    group: 'Identity',
    help: "Claims of the identity provider's tokens with scopes, roles or groups, such as scope,/realm_access/roles. Words of scope and scp grant what they grant in Warren, except operator; those of other claims grant only what WARREN_SCOPE_MAP gives them.",
  }),
  scopeMap: optional(scopeMap, {
    unset: 'no map',
    group: 'Identity',
    help: "Gives words of the identity provider's scopes, roles and groups a meaning in Warren: orders-admin=operator,staff=publish channel:#. A mapped word grants nothing else. An entry may begin with the issuer that it is for, and must for operator if there are several: https://id.example.com orders-admin=operator.",
  }),
  consoleOidcIssuer: optional(oidcIssuer, {
    unset: 'sign-in to the console with a token only',
    group: 'Identity',
    help: 'Issuer of an OpenID Connect provider that signs users in to the console (docs/guides/console.md).',
  }),
  consoleOidcClientId: optional(line, {
    unset: 'required with WARREN_CONSOLE_OIDC_ISSUER',
    group: 'Identity',
    help: 'Client id of the console at the provider.',
  }),
  consoleOidcClientSecret: optional(clientSecret, {
    unset: 'a public client; PKCE is used in any case',
    group: 'Identity',
    help: 'Client secret of the console at the provider.',
    secret: true,
    file: true,
  }),
  consoleOidcScopes: option(line, {
    default: 'openid profile email',
    group: 'Identity',
    help: 'Scopes that the console requests, separated by spaces. Some providers issue a refresh token only with offline_access.',
  }),
  consoleOidcRoleClaim: option(claimNames, {
    default: 'roles,groups',
    group: 'Identity',
    help: 'Claims of the ID token, or of the UserInfo endpoint, with roles or groups: names, or JSON pointers such as /realm_access/roles.',
  }),
  consoleOidcOperator: optional(roleWords, {
    unset: 'no user of the provider is an operator',
    group: 'Identity',
    help: 'Roles or groups of operators in the console.',
  }),
  consoleOidcObserve: optional(roleWords, {
    unset: 'no user of the provider is an observer',
    group: 'Identity',
    help: 'Roles or groups of users who read everything in the console and change nothing. *: every user of the provider.',
  }),
  consoleOidcOrigin: optional(httpOrigin, {
    unset: 'the origin that the browser requests; https if WARREN_PROXY_HOPS is set and X-Forwarded-Proto is https',
    group: 'Identity',
    help: 'Origin under which browsers open the console. The provider redirects to /console/oidc/callback there.',
  }),
  consoleOidcSessionMs: option(duration({ min: '1s', max: '30d' }), {
    default: '8h',
    group: 'Identity',
    help: 'How long a sign-in by the provider lasts. While it lasts, the role is checked again at the provider every 10 minutes, if it issues refresh tokens.',
  }),
  tokenTtlMs: option(duration({ min: '1s', max: '3650d' }), {
    default: '24h',
    group: 'Identity',
    help: 'Lifetime of the tokens that createClientChannel issues.',
  }),
  registration: optional(choice(...registrationModes), {
    unset: 'off with WARREN_JWKS_URL; else open on loopback or with WARREN_LEGACY_ACCESS=open; else token',
    group: 'Identity',
    help: 'Who may register a client id with a password (createClientChannel). open: every caller. token: callers with the scope register; existing clients still get a token for their password. off: passwords give no tokens, because an identity provider or a back end issues them.',
  }),
  registrationPrefix: optional(idPrefix, {
    unset: 'any id',
    group: 'Identity',
    help: 'Required prefix of newly registered client ids, such as guest-. Tokens of the identity provider with this prefix in sub are refused. Required for registration with WARREN_JWKS_URL, so that no client can register the id of a user of the provider.',
  }),
  legacyAccess: option(choice('token', 'open'), {
    default: 'token',
    group: 'Identity',
    help: 'Access on SocketCluster, plain WebSocket and TCP. token: subscribing requires a token. open: as in the old systems, every caller may subscribe, and GET /jwt gives every caller a token for publishing.',
  }),

  graphiql: option(onOff, { default: 'on', group: 'GraphQL', help: 'Serves GraphiQL to browsers on /graphql.' }),
  introspection: option(onOff, { default: 'on', group: 'GraphQL', help: 'Allows clients to query the schema.' }),
  trustedDocuments: optional(line, {
    unset: 'any document',
    group: 'GraphQL',
    help: 'JSON file of documents, which are then the only ones that may be executed: {"id": "query …"}, or a manifest of Apollo. Clients send the id or the text. Read at the start.',
  }),
  schema: optional(paths, {
    unset: 'no typed events',
    group: 'GraphQL',
    help: "The team's SDL with typed events: files, folders or patterns, separated by commas, read as one document (docs/guides/typed-events.md). Read again at SIGHUP.",
  }),
  schemaWatch: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Reads WARREN_SCHEMA again when one of its files changes. For development.',
  }),
  core: option(onOff, {
    default: 'on',
    group: 'GraphQL',
    help: "Serves Warren's own root fields and types beside those of WARREN_SCHEMA. off: their names are free.",
  }),
  exchangeMap: optional(exchangeMap, {
    unset: 'the names in the SDL',
    group: 'GraphQL',
    help: 'Renames exchanges of WARREN_SCHEMA in this environment: orders=prod.orders.v2,…',
  }),
  federation: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Makes /graphql a Federation 2 subgraph, with _service and _entities.',
  }),
  testRoutes: option(onOff, {
    default: 'off',
    group: 'GraphQL',
    help: 'Adds the route and the mutation for test data.',
  }),

  maxConnections: option(count({ min: 1, max: 1_000_000 }), {
    default: '20000',
    group: 'Limits',
    help: 'Maximum number of open connections over all transports.',
    reload: true,
  }),
  maxConnectionsPerAddress: optional(count({ min: 1, max: 1_000_000 }), {
    unset: 'a tenth of WARREN_MAX_CONNECTIONS, at least 10',
    group: 'Limits',
    help: 'Maximum number of open connections without an identity from one address, over all transports. An IPv6 address counts by its /64. Behind a proxy all clients have one address unless WARREN_PROXY_HOPS is set.',
    reload: true,
  }),
  maxConnectionsPerClient: optional(count({ min: 1, max: 1_000_000 }), {
    unset: 'half of WARREN_MAX_CONNECTIONS, at least 10',
    group: 'Limits',
    help: 'Maximum number of open connections of one client id. Tokens without a client id (of operators and publishers) count by address against this limit. Lower it if clients do not share ids.',
    reload: true,
  }),
  anonymousIdleMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '60s',
    group: 'Limits',
    help: 'Closes a socket without an identity with 1013 after this time without a subscription. The room of /ws counts as a subscription.',
    reload: true,
  }),
  authTimeoutMs: option(duration({ min: '100ms', max: '5m' }), {
    default: '10s',
    group: 'Limits',
    help: 'How long a connection may take to authenticate.',
  }),
  requestTimeoutMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '30s',
    group: 'Limits',
    help: 'How long a client may take to send a request with headers and body. The headers alone may take at most 10s.',
  }),
  tcpIdleTimeoutMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '60s',
    group: 'Limits',
    help: 'Closes a TCP connection that is silent for this time. The gateway pings framed connections after half of it.',
  }),
  maxSubscriptions: option(count({ min: 1, max: 100_000 }), {
    default: '100',
    group: 'Limits',
    help: 'Maximum number of open subscriptions of one connection.',
    reload: true,
  }),
  maxClientSubscriptions: option(count({ min: 1, max: 1_000_000 }), {
    default: '20000',
    group: 'Limits',
    help: 'Maximum number of open subscriptions of one client id, over all its connections to a replica. Lower it if clients do not share ids.',
    reload: true,
  }),
  maxSubscribeRate: option(count({ min: 1, max: 1_000_000 }), {
    default: '200',
    group: 'Limits',
    help: 'Maximum number of operations that a connection may start in one second. Over HTTP it applies to a client id, or to an address without one, and ten times as many are allowed to callers that may publish.',
    reload: true,
  }),
  maxMessageBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'Maximum size of a request over HTTP, and of a frame of a client that may publish.',
  }),
  maxFrameBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '256KiB',
    group: 'Limits',
    help: 'Maximum size of a frame on WebSocket and TCP of an authenticated client that may not publish. It cannot exceed WARREN_MAX_MESSAGE_BYTES. Before authentication the maximum is 16 KiB.',
  }),
  maxBatch: option(count({ min: 0, max: 1_000 }), {
    default: '0',
    group: 'Limits',
    help: 'Maximum number of operations in one POST to /graphql, as a list. Each counts as a request. 0: one operation, no list.',
  }),
  maxOpenDocumentBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '256KiB',
    group: 'Limits',
    help: 'Maximum size of all GraphQL documents in open subscriptions of one client. Identical documents count once, and documents of at most 200 characters do not count.',
    reload: true,
  }),
  maxUnfinishedBytes: option(bytes({ min: '64KiB', max: '4GiB' }), {
    default: '16MiB',
    group: 'Limits',
    help: 'Maximum size of incomplete messages over all sockets of one address. A socket that exceeds it is closed with 1013.',
    reload: true,
  }),
  maxDecodedBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'Maximum decompressed size of a body from RabbitMQ. A larger one goes to the quarantine (too-large).',
  }),
  maxStateKeys: option(count({ min: 1, max: 1_000_000_000 }), {
    default: '1000000',
    group: 'Limits',
    help: 'Maximum number of keys that @state keeps of one field, removed ones included. A field with more is not folded, and a subscription without a cursor is refused.',
    reload: true,
  }),
  maxStateBytes: option(bytes({ min: '1KiB', max: '1024GiB' }), {
    default: '1GiB',
    group: 'Limits',
    help: 'Maximum size of the messages that @state keeps of one field, as maxStateKeys.',
    reload: true,
  }),
  maxBufferedBytes: option(bytes({ min: '64KiB', max: '1GiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'Maximum size of data that waits for one slow connection.',
    reload: true,
  }),
  maxHistoryBytes: option(bytes({ min: '64KiB', max: '1GiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'Maximum size of all history pages of one operation. A page that would exceed it ends earlier, with hasMore. All operations of one client id, or of one address without one, may use four times as much, and all operations together sixteen times.',
    reload: true,
  }),
  overflow: option(choices(...overflowPolicies), {
    default: 'CATCH_UP,END,CONFLATE,DROP_OLDEST',
    group: 'Limits',
    help: 'Overflow policies that a subscription may request for a slow client. The first one is the default.',
    reload: true,
  }),
  keepAliveMs: option(duration({ min: '100ms', max: '10m' }), {
    default: '12s',
    group: 'Limits',
    help: 'Interval between pings on a connection. A connection is closed if it neither answers nor reads waiting data before the next ping.',
  }),
  httpKeepAliveMs: option(duration({ min: '1s', max: '1h' }), {
    default: '75s',
    group: 'Limits',
    help: 'How long an HTTP connection stays open between two requests. It must be longer than the idle timeout of a load balancer in front, or the balancer sends requests on connections that close: AWS ALB and nginx have 60s; for Google Cloud set 620s.',
  }),
  maxPasswordFailures: option(count({ min: 1, max: 1_000_000 }), {
    default: '10',
    group: 'Limits',
    help: 'Maximum number of wrong passwords in one minute for one client id from one network (an IPv4 address, or the /64 of an IPv6 address). After ten times as many from one network for all client ids, its log-ins wait for all others.',
  }),
  maxPasswordChecks: option(count({ min: 1, max: 100_000 }), {
    default: '128',
    group: 'Limits',
    help: 'Maximum number of waiting log-ins of one network, and the same number of registrations. For all networks the maximum is ten times as high. The gateway checks two at a time, about 70 a second. Networks, client ids, and log-ins and registrations take turns.',
  }),
  maxQueryDepth: option(count({ min: 1, max: 1_000 }), {
    default: '12',
    group: 'Limits',
    help: 'Maximum depth of the fields of a query.',
  }),
  maxQueryCost: option(count({ min: 1, max: 1_000_000 }), {
    default: '1000',
    group: 'Limits',
    help: 'Maximum cost of a query, in fields. Aliases and fragments count where they are used, and fields below a list count once for each item (25 events of history count as one item). Other parts of the document count too.',
  }),

  drainMs: option(duration({ min: '0s', max: '1h' }), {
    default: '30s',
    group: 'Running',
    help: 'At SIGTERM, closes the sessions over this time, with the close code after which clients reconnect. SIGINT, or a second signal, closes them at once.',
    reload: true,
  }),
  demo: option(onOff, {
    default: 'off',
    group: 'Running',
    help: 'on: fills the embedded broker with a lively example: messages of a shop, connected clients, a slow one, and mistakes; and a page that kills the gateway and counts what is lost (docs/guides/demo.md). Keeps nothing. For trying out; refused with a broker or a database.',
  }),
  workers: option(processes, {
    default: '1',
    group: 'Running',
    help: 'Number of processes that share the ports; more than one requires RabbitMQ. auto: one for each processor. Each process is a replica, and limits apply to each process (docs/guides/workers.md).',
  }),
  optionsFile: optional(line, {
    unset: 'no file',
    group: 'Running',
    help: 'File of NAME=value lines with any of these variables. The environment and flags override it. It is read again at SIGHUP.',
  }),
  tracesUrl: optional(httpUrl, {
    unset: 'no tracing',
    group: 'Running',
    help: 'Sends traces to this OpenTelemetry collector (OTLP over HTTP), such as http://collector:4318: a span for each delivery of a message with a traceparent header. OTEL_EXPORTER_OTLP_ENDPOINT has the same meaning.',
    standard: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  }),
  logLevel: option(choice('debug', 'info', 'warn', 'error'), {
    default: 'info',
    group: 'Running',
    help: 'Lowest severity that is logged.',
    reload: true,
  }),
  logFormat: optional(choice('pretty', 'json'), {
    unset: 'pretty on a terminal, else json',
    group: 'Running',
    help: 'Format of the log lines on standard output.',
  }),
} as const

export type OptionName = keyof typeof options

/**
 * The result of `load`: one value for each option. Durations are in milliseconds, sizes in bytes,
 * and `on` and `off` are booleans.
 */
export type Config = {
  readonly [Name in OptionName]: (typeof options)[Name] extends Option<infer Value> ? Value : never
}

export const optionNames = Object.keys(options) as OptionName[]
