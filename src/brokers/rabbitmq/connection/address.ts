import { badInput } from '../../../errors.ts'

/** The address of a RabbitMQ node and its login, parsed once from the URL. */
export interface BrokerAddress {
  /**
   * The URL for amqplib. It contains the heartbeat, because amqplib ignores the heartbeat option.
   */
  readonly url: string
  /** Without credentials, for log lines. */
  readonly printable: string
  readonly tls: boolean
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly virtualHost: string
  readonly heartbeatSeconds: number
  /**
   * Paths of PEM files: the client's certificate and key, and the authorities that replace Node's
   * own.
   */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly caFile: string | undefined
  /** The expected name in the server's certificate, if it differs from the host. */
  readonly serverName: string | undefined
  /** Whether RabbitMQ takes the user from the client certificate (SASL EXTERNAL). */
  readonly external: boolean
  /** Whether messages are decoded without amqplib; see `brokers/rabbitmq/message/README.md`. */
  readonly readInPlace: boolean
}

/** RabbitMQ and amqplib notice a silent peer after two to three heartbeats. */
const defaultHeartbeatSeconds = 10

/**
 * `amqp[s]://[user[:password]@]host[:port][/vhost][?heartbeat=seconds]`. For TLS it also accepts
 * the parameters `certfile`, `keyfile`, `cacertfile`, `server_name_indication` and
 * `auth_mechanism=external` of https://www.rabbitmq.com/docs/uri-query-parameters.
 * `reader=amqplib` is Warren's own; the default is `reader=in-place`. Throws `BAD_USER_INPUT`; the
 * message never contains the password.
 */
export function parseAddress(text: string): BrokerAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw badInput('url', 'expected amqp://user:password@host:port/vhost, got an invalid URL')
  }
  const tls = url.protocol === 'amqps:'
  if (!tls && url.protocol !== 'amqp:') throw badInput('url', `expected amqp: or amqps:, got ${url.protocol}`)
  if (url.hostname === '') throw badInput('url', `expected a host after ${url.protocol}//`)
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(defaultHeartbeatSeconds))
  const heartbeatSeconds = Number(url.searchParams.get('heartbeat'))
  if (!Number.isInteger(heartbeatSeconds) || heartbeatSeconds < 0) {
    throw badInput('url', `heartbeat: expected whole seconds, got "${url.searchParams.get('heartbeat')}"`)
  }
  const take = (name: string): string | undefined => {
    const value = url.searchParams.get(name) ?? undefined
    url.searchParams.delete(name)
    return value
  }
  const [certFile, keyFile, caFile] = [take('certfile'), take('keyfile'), take('cacertfile')]
  const serverName = take('server_name_indication')
  const mechanism = take('auth_mechanism')?.toLowerCase() ?? 'plain'
  if (mechanism !== 'plain' && mechanism !== 'external') {
    throw badInput('url', `auth_mechanism: expected plain or external, got "${mechanism}"`)
  }
  const reader = take('reader') ?? 'in-place'
  if (reader !== 'in-place' && reader !== 'amqplib') {
    throw badInput('url', `reader: expected in-place or amqplib, got "${reader}"`)
  }
  const hasCredentials = url.username !== '' || url.password !== ''
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? (tls ? 5671 : 5672) : Number(url.port)
  return {
    url: url.href,
    printable: `${url.protocol}//${url.hostname}:${port}${url.pathname === '/' ? '' : url.pathname}`,
    tls,
    host,
    port,
    user: hasCredentials ? decode('user', url.username) : 'guest',
    password: hasCredentials ? decode('password', url.password) : 'guest',
    virtualHost: decode('virtual host', url.pathname.slice(1)) || '/',
    heartbeatSeconds,
    certFile,
    keyFile,
    caFile,
    serverName,
    external: mechanism === 'external',
    readInPlace: reader === 'in-place',
  }
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badInput('url', `the ${part} has an invalid percent-encoding (write %25 for a %)`)
  }
}
