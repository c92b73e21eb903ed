import { isThisMachine } from './hosts.ts'

/**
 * Which web pages may use this gateway: those of its own origin, those on this machine, and those
 * that the operator names. A request without `Origin` does not come from a page. One list serves
 * CORS and upgrades, for which browsers send no preflight.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #any: boolean

  /** `allowed`: origins such as `https://app.example.com`, or `*` for any. */
  constructor(allowed: readonly string[]) {
    this.#any = allowed.includes('*')
    this.#allowed = new Set(allowed.map((origin) => (URL.canParse(origin) ? new URL(origin).origin : origin)))
  }

  /** Compares as in RFC 6454 §4: ignores case, and treats a scheme's default port like no port. */
  allows(origin: string | null | undefined, host: string | null | undefined): boolean {
    if (origin === null || origin === undefined || this.#any) return true
    if (!URL.canParse(origin)) return false
    const url = new URL(origin)
    if (url.protocol !== 'http:' && url.protocol !== 'https:') return false
    return this.#allowed.has(url.origin) || isThisMachine(url.hostname) || url.host === hostAt(url.protocol, host)
  }
}

/**
 * `Host` as a URL of this scheme writes it. The gateway does not know whether a proxy terminated
 * TLS. Undefined if `Host` is invalid.
 */
function hostAt(protocol: string, host: string | null | undefined): string | undefined {
  const url = `${protocol}//${host ?? ''}`
  if (!URL.canParse(url)) return undefined
  const { host: normal, username, pathname, search, hash } = new URL(url)
  return username === '' && pathname === '/' && search === '' && hash === '' ? normal : undefined
}
