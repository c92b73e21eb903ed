import { isIP } from 'node:net'
import { isLoopback } from '../../core/limits/loopback.ts'

/** A host with an optional port, as in the `Host` header (RFC 9110 §7.2). No user, no path. */
const hostShape = /^(\[[0-9a-f:.]+\]|[^\s[\]:/?#@\\]+)(:\d{1,5})?$/i

/**
 * The host names of this gateway. With DNS rebinding, a page of another site lets its own name
 * point to 127.0.0.1. To a browser, that page then has the same origin as a gateway on this
 * machine. Only `Host` shows the difference.
 */
export class Hosts {
  readonly #checked: boolean
  readonly #names: ReadonlySet<string>
  readonly #suffixes: readonly string[]

  /**
   * `bound`: the address that the gateway listens on. Beyond loopback, nothing is checked unless
   * `allowed` has entries. `allowed`: names, `*.example.com` for all names below one, `*` for any.
   * `origins`: their hosts are allowed too, but they do not switch the check on.
   */
  constructor({ bound, allowed, origins }: { bound: string; allowed: readonly string[]; origins: readonly string[] }) {
    this.#checked = !allowed.includes('*') && (allowed.length > 0 || isLoopback(bound))
    const ofOrigins = origins.filter((origin) => URL.canParse(origin)).map((origin) => new URL(origin).hostname)
    const names = [bound, ...allowed, ...ofOrigins].map(bareName)
    this.#suffixes = names.filter((name) => name.startsWith('*.')).map((name) => name.slice(1))
    this.#names = new Set(names)
  }

  /**
   * Whether a request with this `Host` is answered. HTTP/1.0 clients may omit it; browsers always
   * send it.
   */
  allows(host: string | undefined): boolean {
    if (!this.#checked || host === undefined) return true
    const [, given] = hostShape.exec(host) ?? []
    if (given === undefined) return false
    const name = bareName(given)
    return isThisMachine(name) || this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix))
  }
}

/** Whether a browser resolves this name to its own machine without DNS (RFC 6761 §6.3). */
export function isThisMachine(hostname: string): boolean {
  const name = bareName(hostname)
  return isLoopback(name) || name.endsWith('.localhost')
}

/** Lower case, without the brackets of IPv6 and without the final dot of a full name. */
function bareName(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '')
}

interface HostOptions {
  readonly allowedHosts: readonly string[] | undefined
  readonly allowedOrigins: readonly string[] | undefined
}

/** `Hosts` from the options, for a server that listens on `bound`. */
export function hostsOf({ allowedHosts, allowedOrigins }: HostOptions, bound: string): Hosts {
  return new Hosts({ bound, allowed: allowedHosts ?? [], origins: allowedOrigins ?? [] })
}

/**
 * The same check for the ops port. Beyond loopback, probes and Prometheus send the address of a
 * pod, which no option can name. A literal address is safe, because DNS rebinding needs a name.
 */
export function opsHosts(options: HostOptions & { readonly opsHost: string }): (host: string | undefined) => boolean {
  const hosts = hostsOf(options, options.opsHost)
  const beyond = !isLoopback(options.opsHost)
  return (host) => hosts.allows(host) || (beyond && isIP(bareName(hostShape.exec(host ?? '')?.[1] ?? '')) !== 0)
}
