import { badInput } from '../../../errors.ts'

/** Where a RabbitMQ node is and as whom to go there, read once from its URL. */
export interface BrokerAddress {
  /** What amqplib is given. The heartbeat stands in it because amqplib ignores it as an option. */
  readonly url: string
  /** Without credentials, for people. */
  readonly printable: string
  readonly tls: boolean
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly virtualHost: string
  readonly heartbeatSeconds: number
  /**
   * Paths of PEM files: the client's certificate and key, and the authorities in place of Node's
   * own.
   */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
  readonly caFile: string | undefined
  /** Whose certificate is expected, where it is another name than the host's. */
  readonly serverName: string | undefined
  /** Who the user is, RabbitMQ reads from the certificate (SASL EXTERNAL). */
  readonly external: boolean
}

/** A silent peer is noticed after two to three of these. */
const defaultHeartbeatSeconds = 10

/**
 * `amqp[s]://[user[:password]@]host[:port][/vhost][?heartbeat=seconds]`, and for TLS the parameters
 * `certfile`, `keyfile`, `cacertfile`, `server_name_indication` and `auth_mechanism=external` of
 * https://www.rabbitmq.com/docs/uri-query-parameters. Throws `BAD_USER_INPUT`, never with the
 * password in it.
 */
export function parseAddress(text: string): BrokerAddress {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw badInput('url', 'expected amqp://user:password@host:port/vhost, got something that is no URL')
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
  }
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badInput('url', `the ${part} has a % that begins no percent-encoding (write %25 for a %)`)
  }
}
