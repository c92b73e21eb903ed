import { isIP } from 'node:net'
import { BadValue, type Kind } from './kind.ts'

/** 0 lets the system pick a port, which is printed on start. */
export const port: Kind<number> = {
  expected: 'a port from 1 to 65535, or 0 for any free port',
  parse(text) {
    if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw new BadValue()
    return Number(text)
  },
  print: String,
}

export const portOrOff: Kind<number | 'off'> = {
  expected: `${port.expected}, or off`,
  parse: (text) => (text === 'off' ? 'off' : port.parse(text)),
  print: String,
}

export const host: Kind<string> = {
  expected: 'an IP address or a host name to bind, such as 127.0.0.1, 0.0.0.0, :: or localhost',
  parse(text) {
    const address = /^\[.+\]$/.test(text) ? text.slice(1, -1) : text
    // Digits and dots only are meant as an address. A mistyped address must not be resolved by DNS.
    const isName = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i.test(address)
    if (isIP(address) === 0 && (!isName || /^[\d.]+$/.test(address))) throw new BadValue()
    return address
  },
  print: (address) => address,
}

const brokerSchemes = ['amqp:', 'amqps:']

/**
 * The broker's nodes, tried in turn. All URLs have the same scheme because a deployment has one
 * broker.
 */
export const brokers: Kind<readonly string[]> = {
  expected:
    'memory: alone, or amqp://user:password@host:5672/vhost, or amqps://…; several nodes of one cluster separated by commas; special characters percent-encoded',
  parse(text) {
    const urls = text.split(',').map((part) => part.trim())
    if (urls.includes('memory:')) {
      if (urls.length > 1) throw new BadValue('memory: with other URLs')
      return urls
    }
    const parsed = urls.map((url) => parseUrl(url, brokerSchemes))
    if (parsed.some((url) => url.hostname === '')) throw new BadValue('a URL without a host')
    const schemes = new Set(parsed.map((url) => url.protocol))
    if (schemes.size > 1) throw new BadValue(`more than one scheme, ${[...schemes].join(' and ')}`)
    return urls
  },
  print: (urls) => urls.map(maskPassword).join(','),
}

export const postgres: Kind<string> = {
  expected: 'postgres://user:password@host:5432/database, special characters percent-encoded',
  parse(text) {
    const url = parseUrl(text, ['postgres:', 'postgresql:'])
    // A parameter names a Unix socket (libpq, "Connection URIs").
    if (url.hostname === '' && !url.searchParams.has('host')) throw new BadValue('a URL without a host')
    return text
  },
  print: maskPassword,
}

export const httpUrl: Kind<string> = {
  expected: 'a URL that begins with https:// or http://',
  parse: (text) => parseUrl(text, ['https:', 'http:']).href,
  print: maskPassword,
}

/** Scheme, host, port and the beginning of a path, in whole segments. */
export const urlPrefixes: Kind<readonly string[]> = {
  expected:
    'URLs such as https://router.example.com/callback/, separated by commas, without a user, a query and a fragment',
  parse: (text) =>
    text.split(',').map((part) => {
      const url = parseUrl(part.trim(), ['https:', 'http:'])
      if (url.hostname === '') throw new BadValue('a URL without a host')
      if (url.username !== '' || url.password !== '') throw new BadValue('a URL with a user')
      if (url.search !== '' || url.hash !== '') throw new BadValue('a URL with a query or a fragment')
      return url.href
    }),
  print: (urls) => urls.join(','),
}

/**
 * Origins as a browser sends them (RFC 6454 §6.2): lower case, without a path and without the
 * default port of the scheme.
 */
export const origins: Kind<readonly string[]> = {
  expected: 'origins such as https://app.example.com, separated by commas, or * for any',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim())
    if (parts.includes('*')) {
      if (parts.length > 1) throw new BadValue('* with other entries')
      return parts
    }
    return parts.map((part) => {
      const url = parseUrl(part, ['https:', 'http:'])
      if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '') throw new BadValue()
      return url.origin
    })
  },
  print: (list) => list.join(','),
}

/** Names as in the header `Host`, without a port. `*.` at the start matches all names below. */
export const hosts: Kind<readonly string[]> = {
  expected:
    'host names such as gateway.example.com or *.example.com, without a port, separated by commas, or * for any',
  parse(text) {
    const parts = text.split(',').map((part) => part.trim())
    if (parts.includes('*')) {
      if (parts.length > 1) throw new BadValue('* with other entries')
      return parts
    }
    return parts.map((part) =>
      (part.startsWith('*.') ? `*.${host.parse(part.slice(2))}` : host.parse(part)).toLowerCase(),
    )
  },
  print: (list) => list.join(','),
}

/**
 * Errors show at most the scheme: a URL may carry a password, and text that does not parse may be
 * one.
 */
function parseUrl(text: string, schemes: readonly string[]): URL {
  if (!URL.canParse(text)) throw new BadValue('an invalid URL')
  const url = new URL(text)
  if (!schemes.includes(url.protocol))
    throw new BadValue(text.includes('://') ? `${url.protocol}//…` : 'another kind of URL')
  return url
}

/**
 * Parameters of URLs of RabbitMQ and PostgreSQL that hold no secret. All others are masked, because
 * a name does not show what a program passes in it.
 */
const openParameters = new Set(
  [
    'auth_mechanism cacertfile certfile channel_max channelMax connection_timeout frame_max frameMax heartbeat',
    'keyfile locale reader server_name_indication verify',
    'application_name connect_timeout fallback_application_name gssencmode host hostaddr keepalives port sslcert',
    'sslkey sslmode sslrootcert target_session_attrs user',
  ].flatMap((names) => names.split(' ')),
)

const mask = '***'

function maskPassword(text: string): string {
  if (!URL.canParse(text)) return mask
  const url = new URL(text)
  // The password was not percent-encoded: what looks like a host and a path is a part of it.
  if (`${url.pathname}${url.search}${url.hash}`.includes('@')) return `${url.protocol}//${mask}`
  if (url.password !== '') url.password = mask
  // A token that stands alone.
  else if (url.username !== '' && /^https?:$/.test(url.protocol)) url.username = mask
  if (url.hash !== '') url.hash = mask
  for (const name of new Set(url.searchParams.keys())) {
    if (!openParameters.has(name)) url.searchParams.set(name, mask)
  }
  return url.href
}
