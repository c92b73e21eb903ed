import { host, hosts, origins, port, portOrOff, urlPrefixes } from '../kinds/addresses.ts'
import { count } from '../kinds/amounts.ts'
import { choice, onOff } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** The addresses and ports of the gateway, and the protocols that it serves there. */
export const listeningOptions = {
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
} as const
