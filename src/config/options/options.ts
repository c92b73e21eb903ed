import { registrationModes } from '../../core/clients/registration.ts'
import { overflowPolicies } from '../../core/model/overflow-policy.ts'
import { sourcesWord } from '../../core/publishing/publish-rights.ts'
import { brokers, host, hosts, httpUrl, origins, port, portOrOff, postgres } from '../kinds/addresses.ts'
import { bounds, bytes, count, duration, processes } from '../kinds/amounts.ts'
import {
  choice,
  choices,
  directory,
  exchangeName,
  exchangePatterns,
  idPrefix,
  line,
  namespace,
  onOff,
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
    help: 'Address to bind. Containers set 0.0.0.0; beyond loopback the secret must be given.',
  }),
  port: option(port, { default: '4000', group: 'Listening', help: 'HTTP, WebSocket, SSE, SocketCluster.' }),
  tcpPort: option(portOrOff, {
    default: '4001',
    group: 'Listening',
    help: 'Framed TCP: docs/protocols/tcp.md.',
  }),
  tcpEchoPort: option(portOrOff, {
    default: 'off',
    group: 'Listening',
    help: 'Answers every byte with the same byte, for tests of a network path.',
  }),
  opsPort: option(portOrOff, {
    default: '4002',
    group: 'Listening',
    help: '/livez, /readyz and /metrics. Never expose it to clients.',
  }),
  opsHost: option(host, {
    default: '127.0.0.1',
    group: 'Listening',
    help: 'Address to bind WARREN_OPS_PORT. The image sets 0.0.0.0, because probes and Prometheus come from other machines.',
  }),
  allowedOrigins: optional(origins, {
    unset: 'the same origin and loopback',
    group: 'Listening',
    help: 'Origins from which browsers may call and connect, beside the same origin and loopback.',
  }),
  allowedHosts: optional(hosts, {
    unset:
      'on loopback localhost, *.localhost, 127.0.0.1, [::1] and the hosts of WARREN_ALLOWED_ORIGINS; beyond loopback any',
    group: 'Listening',
    help: 'Names that a request may have in Host, with any port, beside those of this machine and of WARREN_ALLOWED_ORIGINS. Once set it holds beyond loopback too. It stops pages that let their own name point to this machine (DNS rebinding).',
  }),
  room: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'The plain WebSocket at /ws and its page /client. off: both answer 404, and its exchanges are not declared.',
  }),
  socketcluster: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'SocketCluster at /socketcluster/. off: it answers 404.',
  }),
  rest: option(onOff, {
    default: 'on',
    group: 'Listening',
    help: 'The REST routes of the old systems (/v1/…, /jwt, /health-check, /openapi.json). off: they answer 404.',
  }),
  proxyHops: option(count({ min: 0, max: 10 }), {
    default: '0',
    group: 'Listening',
    help: 'How many reverse proxies of yours stand in front and append to X-Forwarded-For: limits by address then count the address that the outermost saw.',
  }),

  brokerUrl: option(brokers, {
    default: 'memory:',
    group: 'RabbitMQ',
    help: 'The broker; several URLs for the nodes of one cluster. memory: is the embedded one, which forgets when it ends.',
    secret: true,
    file: true,
  }),
  brokerCert: optional(line, {
    unset: 'no client certificate',
    group: 'RabbitMQ',
    help: 'PEM file with the client certificate for amqps:. Read again at each connection. With ?auth_mechanism=external in the URL RabbitMQ takes the user from it.',
  }),
  brokerKey: optional(line, {
    unset: 'no client certificate',
    group: 'RabbitMQ',
    help: 'PEM file with the key of WARREN_BROKER_CERT.',
  }),
  brokerCa: optional(line, {
    unset: "Node's own authorities, and NODE_EXTRA_CA_CERTS",
    group: 'RabbitMQ',
    help: "PEM file with the authorities that vouch for RabbitMQ's certificate, in place of Node's own.",
  }),
  brokerServerName: optional(line, {
    unset: 'the host of the URL',
    group: 'RabbitMQ',
    help: "The name that RabbitMQ's certificate must have.",
  }),
  namespace: option(namespace, {
    default: 'warren',
    group: 'RabbitMQ',
    help: 'Prefix of every exchange, queue and stream that Warren declares. Replicas of one deployment share it.',
  }),
  publishTimeoutMs: option(duration({ min: '100ms', max: '10m' }), {
    default: '10s',
    group: 'RabbitMQ',
    help: 'How long a publication waits for the confirmation of the broker.',
  }),
  publishExchanges: option(exchangePatterns, {
    default: sourcesWord,
    group: 'RabbitMQ',
    help: 'Exchanges that callers may publish to at all, operators included: patterns with * for one word and # for the rest, and sources for the exchanges of all sources. Exchanges that gateways keep to themselves only by their whole names.',
    reload: true,
  }),
  wsmanagerExchange: option(exchangeName, {
    default: 'wsmanager',
    group: 'RabbitMQ',
    help: 'Fanout exchange to which the plain WebSocket manager publishes what its clients send, for processors.',
  }),
  towsmanagerExchange: option(exchangeName, {
    default: 'towsmanager',
    group: 'RabbitMQ',
    help: 'Fanout exchange whose messages the plain WebSocket manager sends to every client.',
  }),

  retention: option(bounds, {
    default: '24h,1GiB',
    group: 'Journal',
    help: 'How long and how much the journal keeps: how far back a cursor can resume.',
  }),
  hotWindow: option(bounds, {
    default: '5m,64MiB',
    group: 'Journal',
    help: "How much of the journal's end is kept in memory: what is resumed within it costs the broker nothing.",
  }),

  dataDir: option(directory, {
    default: './data',
    group: 'Registry',
    help: 'Where the embedded registry and the generated secret live.',
  }),
  databaseUrl: optional(postgres, {
    unset: 'embedded, in WARREN_DATA_DIR',
    group: 'Registry',
    help: 'Registry of clients and sources in PostgreSQL, for several replicas.',
    secret: true,
    file: true,
  }),

  jwtSecret: optional(secret, {
    unset: 'generated once, kept in WARREN_DATA_DIR',
    group: 'Identity',
    help: 'Signs and checks tokens (HS256).',
    secret: true,
    file: true,
  }),
  jwksUrl: optional(httpUrl, {
    unset: 'no identity provider',
    group: 'Identity',
    help: 'Keys of an identity provider whose tokens are taken too (RS, ES, EdDSA).',
  }),
  jwtIssuer: optional(line, {
    unset: 'not checked',
    group: 'Identity',
    help: "The claim iss that the identity provider's tokens must have.",
  }),
  jwtAudience: optional(line, {
    unset: 'not checked',
    group: 'Identity',
    help: "The claim aud that the identity provider's tokens must have.",
  }),
  tokenTtlMs: option(duration({ min: '1s', max: '3650d' }), {
    default: '24h',
    group: 'Identity',
    help: 'How long a token lives that createClientChannel issues.',
  }),
  registration: optional(choice(...registrationModes), {
    unset: 'off with WARREN_JWKS_URL; else open on loopback or with WARREN_LEGACY_ACCESS=open; else token',
    group: 'Identity',
    help: 'Who may register a client id with a password (createClientChannel). open: anybody. token: only with scope register; clients that exist still get a token for their password. off: passwords give no tokens, which is right where a provider or a back end issues them.',
  }),
  registrationPrefix: optional(idPrefix, {
    unset: 'any id',
    group: 'Identity',
    help: 'What new registered ids begin with; tokens of the identity provider whose sub does too are refused. Required for registration with WARREN_JWKS_URL, so that nobody can register the id of a user of the provider.',
  }),
  legacyAccess: option(choice('token', 'open'), {
    default: 'token',
    group: 'Identity',
    help: 'open: on SocketCluster, plain WebSocket and TCP anyone may subscribe, as in the old systems, and GET /jwt gives anyone a publisher’s token.',
  }),

  graphiql: option(onOff, { default: 'on', group: 'GraphQL', help: 'GraphiQL for browsers on /graphql.' }),
  introspection: option(onOff, { default: 'on', group: 'GraphQL', help: 'Whether clients may ask for the schema.' }),
  testRoutes: option(onOff, { default: 'off', group: 'GraphQL', help: 'The test-data route and mutation exist.' }),

  maxConnections: option(count({ min: 1, max: 1_000_000 }), {
    default: '20000',
    group: 'Limits',
    help: 'Connections at once, over all transports.',
    reload: true,
  }),
  maxConnectionsPerAddress: optional(count({ min: 1, max: 1_000_000 }), {
    unset: 'a tenth of WARREN_MAX_CONNECTIONS, at least 10',
    group: 'Limits',
    help: 'Connections at once from one address that have not said who they are, over all transports; an IPv6 address counts by its /64. Behind a proxy all clients are one address unless WARREN_PROXY_HOPS is set.',
    reload: true,
  }),
  maxConnectionsPerClient: optional(count({ min: 1, max: 1_000_000 }), {
    unset: 'half of WARREN_MAX_CONNECTIONS, at least 10',
    group: 'Limits',
    help: 'Connections at once of one client id. Tokens that name no client (an operator’s, a publisher’s) count by address against this limit. Lower it where each client has an id of its own.',
    reload: true,
  }),
  anonymousIdleMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '60s',
    group: 'Limits',
    help: 'How long a socket without an identity may have no subscription: then it is closed with 1013. The room of /ws counts as one.',
    reload: true,
  }),
  authTimeoutMs: option(duration({ min: '100ms', max: '5m' }), {
    default: '10s',
    group: 'Limits',
    help: 'How long a connection may take to say who it is.',
  }),
  requestTimeoutMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '30s',
    group: 'Limits',
    help: 'How long a client may take to send a request, headers and body; for the headers alone at most 10s.',
  }),
  tcpIdleTimeoutMs: option(duration({ min: '100ms', max: '1h' }), {
    default: '60s',
    group: 'Limits',
    help: 'How long a TCP connection may be silent. A framed one is pinged at half of it, and may answer.',
  }),
  maxSubscriptions: option(count({ min: 1, max: 100_000 }), {
    default: '100',
    group: 'Limits',
    help: 'Subscriptions at once on a connection.',
    reload: true,
  }),
  maxClientSubscriptions: option(count({ min: 1, max: 1_000_000 }), {
    default: '20000',
    group: 'Limits',
    help: 'Subscriptions at once of one client id, over all of its connections to a replica. Lower it where each client has an id of its own.',
    reload: true,
  }),
  maxSubscribeRate: option(count({ min: 1, max: 1_000_000 }), {
    default: '200',
    group: 'Limits',
    help: 'Operations that a connection may begin in a second; over HTTP a client id, or an address without one, and ten times as many whoever may publish.',
    reload: true,
  }),
  maxMessageBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'The largest request over HTTP, and the largest frame of a client that may publish.',
  }),
  maxFrameBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '256KiB',
    group: 'Limits',
    help: 'The largest frame of a client that has said who it is and may not publish, on WebSocket and TCP; never more than WARREN_MAX_MESSAGE_BYTES. Before, a frame has at most 16 KiB.',
  }),
  maxOpenDocumentBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '256KiB',
    group: 'Limits',
    help: 'Text of the GraphQL documents in open subscriptions of one client, the same document once, and those of at most 200 characters not at all.',
    reload: true,
  }),
  maxUnfinishedBytes: option(bytes({ min: '64KiB', max: '4GiB' }), {
    default: '16MiB',
    group: 'Limits',
    help: 'What messages may hold that have begun and not come to their end, over all sockets of one address. The socket that goes beyond is closed with 1013.',
    reload: true,
  }),
  maxDecodedBytes: option(bytes({ min: '1KiB', max: '64MiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'What a compressed body from RabbitMQ may grow to. A larger one goes to the quarantine (too-large).',
  }),
  maxBufferedBytes: option(bytes({ min: '64KiB', max: '1GiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'What may wait for a connection that reads slowly.',
    reload: true,
  }),
  maxHistoryBytes: option(bytes({ min: '64KiB', max: '1GiB' }), {
    default: '4MiB',
    group: 'Limits',
    help: 'What the pages of history of one operation may hold together: a page ends earlier, with hasMore. The operations of one client id, or of one address without one, hold four times as much, and all together sixteen times.',
    reload: true,
  }),
  overflow: option(choices(...overflowPolicies), {
    default: 'CATCH_UP,END,CONFLATE,DROP_OLDEST',
    group: 'Limits',
    help: 'What a subscription may ask to become of it when its client is too slow; the first is what it gets unless it asks.',
    reload: true,
  }),
  keepAliveMs: option(duration({ min: '100ms', max: '10m' }), {
    default: '12s',
    group: 'Limits',
    help: 'How often a connection is asked for a sign of life. One that gives none until the next time, and takes nothing of what waits for it, is ended.',
  }),
  maxPasswordFailures: option(count({ min: 1, max: 1_000_000 }), {
    default: '10',
    group: 'Limits',
    help: 'Wrong passwords a minute for one client id from one network (an IPv4 address, or the /64 of an IPv6 one). After ten times as many from one network for all client ids, its log-ins wait for all others.',
  }),
  maxPasswordChecks: option(count({ min: 1, max: 100_000 }), {
    default: '128',
    group: 'Limits',
    help: 'Log-ins of one network that may wait to be checked, and as many registrations; ten times as many of all networks. Two are checked at once, some 70 a second; networks, client ids, and log-ins and registrations take turns.',
  }),
  maxQueryDepth: option(count({ min: 1, max: 1_000 }), {
    default: '12',
    group: 'Limits',
    help: 'How deep the fields of a query may nest.',
  }),
  maxQueryCost: option(count({ min: 1, max: 1_000_000 }), {
    default: '1000',
    group: 'Limits',
    help: 'How many fields a query may ask for: aliases and fragments where they are used, below a list as often as it has items (25 events of history as one), and whatever else the document holds.',
  }),

  drainMs: option(duration({ min: '0s', max: '1h' }), {
    default: '30s',
    group: 'Running',
    help: 'Over how long SIGTERM spreads the ending of sessions, each with the code that brings its client back. SIGINT, and a second signal, end them at once.',
    reload: true,
  }),
  workers: option(processes, {
    default: '1',
    group: 'Running',
    help: 'Processes that serve the ports together, on RabbitMQ; auto: one a processor. Each is as a replica of its own, and each limit holds in each: docs/operations.md.',
  }),
  optionsFile: optional(line, {
    unset: 'no file',
    group: 'Running',
    help: 'A file of NAME=value lines with any of these variables; the environment and flags come before it. Read again at SIGHUP.',
  }),
  tracesUrl: optional(httpUrl, {
    unset: 'no tracing',
    group: 'Running',
    help: 'An OpenTelemetry collector that takes OTLP over HTTP, such as http://collector:4318: a span for each delivery of a message with a traceparent header. OTEL_EXPORTER_OTLP_ENDPOINT says the same.',
    standard: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  }),
  logLevel: option(choice('debug', 'info', 'warn', 'error'), {
    default: 'info',
    group: 'Running',
    help: 'The least severe lines that are logged.',
    reload: true,
  }),
  logFormat: optional(choice('pretty', 'json'), {
    unset: 'pretty on a terminal, else json',
    group: 'Running',
    help: 'How lines are logged to the standard output.',
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
