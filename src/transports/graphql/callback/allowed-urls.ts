import { lookup as dnsLookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import { isLoopback } from '../../../core/limits/loopback.ts'

/** Never a router: this network itself, link-local (metadata services), multicast. */
const neverRouters = networks('0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/128', 'fe80::/10', 'ff00::/8')

/** RFC 1918, RFC 6598, RFC 4193, loopback. */
const privateNetworks = networks(
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '127.0.0.0/8',
  'fc00::/7',
  '::1/128',
)

function networks(...blocks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const block of blocks) {
    const [address = '', prefix] = block.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** Names that the public DNS does not have (RFC 6761, RFC 6762, RFC 8375, Kubernetes). */
const privateName = /^[^.]+$|\.(?:local|internal|svc|localhost|test|home\.arpa|lan)$/i

/** A path may not hide a separator or a dot segment from this check. */
const hiddenPath = /%(?:2e|2f|5c)/i

/**
 * The URLs that the operator allows for callbacks. A URL matches an entry if it has the same
 * scheme, host and port, and a path within the path of the entry.
 */
export class AllowedUrls {
  readonly #entries: readonly URL[]

  /** `prefixes`: as the option's kind has checked them. */
  constructor(prefixes: readonly string[]) {
    this.#entries = prefixes.map((prefix) => new URL(prefix))
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** The URL, if it is allowed. */
  parse(text: string): URL | undefined {
    if (!URL.canParse(text)) return undefined
    const url = new URL(text)
    if (url.username !== '' || url.password !== '' || hiddenPath.test(url.pathname)) return undefined
    return this.#entries.some((entry) => entry.origin === url.origin && isWithin(url.pathname, entry.pathname))
      ? url
      : undefined
  }
}

function isWithin(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
}

/**
 * Looks up the host of an allowed URL for one connection, so that no later answer of the DNS can
 * lead elsewhere. A name of the public DNS must not lead into a private network. An address, and a
 * name that only a private network has, are what the operator wrote.
 */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  dnsLookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error) return callback(error, '')
    const refused = addresses.find((address) => !mayLeadTo(hostname, address))
    if (refused)
      return callback(new Error(`${hostname} leads to ${refused.address}, which callbacks may not reach`), '')
    const [first] = addresses
    if (options.all) callback(null, addresses)
    else callback(null, first?.address ?? '', first?.family)
  })
}

export function mayLeadTo(hostname: string, { address, family }: LookupAddress): boolean {
  if (isIP(hostname) !== 0 || isLoopback(hostname)) return true
  const type = family === 6 ? 'ipv6' : 'ipv4'
  if (neverRouters.check(address, type)) return false
  return privateName.test(hostname) || !privateNetworks.check(address, type)
}
