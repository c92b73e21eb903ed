import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Hosts } from './hosts.ts'
import type { Origins } from './origins.ts'

/** Why a request is refused, for its sender and for the log. */
export interface PageRefusal {
  readonly status: 403 | 421
  readonly message: string
  /** The option that would allow the request. */
  readonly option: 'WARREN_ALLOWED_ORIGINS' | 'WARREN_ALLOWED_HOSTS'
}

/**
 * Sent with every response; a page sends its own policy instead. Nothing may be shown in a frame.
 */
export const defaultPolicy = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Log lines a second, so that a page that retries does not fill the log. */
const maxLines = 10
const maxLogged = 200

/**
 * Decides which requests of web pages are answered. A browser sends a page's requests from its
 * user's place in the network. Only the headers that the browser adds (`Origin`, `Sec-Fetch-Site`,
 * `Host`) distinguish them from requests of programs. Programs may send any headers, and their
 * tokens decide.
 */
export class PageGuard {
  readonly #origins: Origins
  readonly #hosts: Pick<Hosts, 'allows'>
  readonly #log: (text: string, details: Record<string, unknown>) => void
  #second = 0
  #lines = 0

  constructor(options: {
    origins: Origins
    hosts: Pick<Hosts, 'allows'>
    log: (text: string, details: Record<string, unknown>) => void
  }) {
    this.#origins = options.origins
    this.#hosts = options.hosts
    this.#log = options.log
  }

  /**
   * Refuses a request if its `Host` is not a name of the gateway. Undefined: answer the request.
   * Logs a refusal.
   */
  refusalOfHost(headers: IncomingHttpHeaders): PageRefusal | undefined {
    if (this.#hosts.allows(headers.host)) return undefined
    return this.#refuse(headers, {
      status: 421,
      message: 'Host: not a name of this gateway; add it to WARREN_ALLOWED_HOSTS to allow it',
      option: 'WARREN_ALLOWED_HOSTS',
    })
  }

  /**
   * Refuses a request of a page that may not use this gateway. Undefined: answer the request.
   * Without `Origin` (an image, a script, a link, a form with GET) the browser still sends how far
   * away the page is. Then only the gateway's own pages and typed addresses pass. Over plain HTTP
   * beyond loopback, browsers omit `Sec-Fetch-Site`.
   */
  refusalOfPage(headers: IncomingHttpHeaders): PageRefusal | undefined {
    const { origin, host } = headers
    const site = headers['sec-fetch-site']
    const isOwnPage = site === undefined || site === 'same-origin' || site === 'none'
    // The browser compares with the URL that it requested, so a proxy that changes `Host` does no
    // harm.
    if (site === 'same-origin' || (origin === undefined ? isOwnPage : this.#origins.allows(origin, host)))
      return undefined
    return this.#refuse(headers, {
      status: 403,
      message: 'pages of this origin may not use the gateway; add it to WARREN_ALLOWED_ORIGINS to allow it',
      option: 'WARREN_ALLOWED_ORIGINS',
    })
  }

  /** CORS: a page that was admitted may read the answer. */
  allowReading(headers: IncomingHttpHeaders, response: ServerResponse): void {
    if (headers.origin !== undefined) response.setHeader('access-control-allow-origin', headers.origin)
  }

  #refuse(headers: IncomingHttpHeaders, refusal: PageRefusal): PageRefusal {
    const second = Math.floor(Date.now() / 1_000)
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0]
    this.#lines += 1
    if (this.#lines <= maxLines) {
      const from = refusal.status === 421 ? 'with an unknown Host' : 'of a web page'
      this.#log(`a request ${from} was refused`, {
        origin: printable(headers.origin),
        host: printable(headers.host),
        site: printable(headers['sec-fetch-site']),
        option: refusal.option,
      })
    }
    return refusal
  }
}

/** Header values may contain bytes that control a terminal. */
function printable(value: string | string[] | undefined): string | undefined {
  return value
    ?.slice(0, maxLogged)
    .toString()
    .replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
