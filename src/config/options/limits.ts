import { overflowPolicies } from '../../core/model/overflow-policy.ts'
import { bytes, count, duration } from '../kinds/amounts.ts'
import { choices } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** Limits on amounts, sizes, rates and times. */
export const limitOptions = {
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
} as const
