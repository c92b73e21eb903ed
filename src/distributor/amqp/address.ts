import { badInput } from '../../errors.ts'

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
}

/** A silent peer is noticed after two to three of these. */
const defaultHeartbeatSeconds = 10

/** `amqp[s]://[user[:password]@]host[:port][/vhost][?heartbeat=seconds]`; throws `BAD_USER_INPUT`, never with the password in it. */
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
  }
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw badInput('url', `the ${part} has a % that begins no percent-encoding (write %25 for a %)`)
  }
}
