import { sourcesKeyword } from '../../core/publishing/publish-rights.ts'
import { brokers } from '../kinds/addresses.ts'
import { bounds, duration } from '../kinds/amounts.ts'
import { exchangeName, exchangePatterns, line, namespace } from '../kinds/words.ts'
import { option, optional } from './option.ts'

/** RabbitMQ, the journal in it, and the sources that fill the journal. */
export const brokerOptions = {
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
} as const
