import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { Hosts } from './hosts.ts'
import type { Origins } from './origins.ts'

/** Why a request is not answered, for its sender and for the log. */
export interface PageRefusal {
  readonly status: 403 | 421
  readonly message: string
  /** What would allow it. */
  readonly option: 'WARREN_ALLOWED_ORIGINS' | 'WARREN_ALLOWED_HOSTS'
}

/**
 * Sent with every response; a page sends its own policy in its place. Nothing here may be framed.
 */
export const defaultPolicy = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/** Lines a second: a page that tries again and again must not fill the log. */
const maxLines = 10
const maxLogged = 200

/**
 * Which requests of web pages are answered. A browser sends a page's requests with its user's place
 * in the network; what it adds to them (`Origin`, `Sec-Fetch-Site`, `Host`) is all that tells them
 * from those of programs, which may send what they like and are judged by their tokens.
 */
export class PageGuard {
  readonly #origins: Origins
  readonly #hosts: Hosts
  readonly #log: (text: string, details: Record<string, unknown>) => void
  #second = 0
  #lines = 0

  constructor(options: {
    origins: Origins
    hosts: Hosts
    log: (text: string, details: Record<string, unknown>) => void
  }) {
    this.#origins = options.origins
    this.#hosts = options.hosts
    this.#log = options.log
  }

  /**
   * A request under a name that is not the gateway's. Undefined: answer it. Logs what it refuses.
   */
  refusalOfHost(headers: IncomingHttpHeaders): PageRefusal | undefined {
    if (this.#hosts.allows(headers.host)) return undefined
    return this.#refuse(headers, {
      status: 421,
      message: 'this gateway is not served under this Host; WARREN_ALLOWED_HOSTS names more',
      option: 'WARREN_ALLOWED_HOSTS',
    })
  }

  /**
   * A request of a page that may not use this gateway. Without `Origin` (an image, a script, a
   * link, a form that gets) the browser still says how far the page is away: only the gateway's own
   * pages, and what a user typed, pass. Browsers leave `Sec-Fetch-Site` out over plain HTTP beyond
   * loopback.
   */
  refusalOfPage(headers: IncomingHttpHeaders): PageRefusal | undefined {
    const { origin, host } = headers
    const site = headers['sec-fetch-site']
    const near = site === undefined || site === 'same-origin' || site === 'none'
    // The browser compares with the URL that it asked, whatever a proxy made of `Host`.
    if (site === 'same-origin' || (origin === undefined ? near : this.#origins.allows(origin, host))) return undefined
    return this.#refuse(headers, {
      status: 403,
      message: 'pages of this origin may not call the gateway; WARREN_ALLOWED_ORIGINS names those that may',
      option: 'WARREN_ALLOWED_ORIGINS',
    })
  }

  /** CORS: a page that was admitted may read the answer. */
  letRead(headers: IncomingHttpHeaders, response: ServerResponse): void {
    response.setHeader('vary', 'origin')
    if (headers.origin !== undefined) response.setHeader('access-control-allow-origin', headers.origin)
  }

  #refuse(headers: IncomingHttpHeaders, refusal: PageRefusal): PageRefusal {
    const second = Math.floor(Date.now() / 1_000)
    if (second !== this.#second) [this.#second, this.#lines] = [second, 0]
    this.#lines += 1
    if (this.#lines <= maxLines) {
      const whose = refusal.status === 421 ? 'under an unknown Host' : 'of a web page'
      this.#log(`a request ${whose} was refused`, {
        origin: printable(headers.origin),
        host: printable(headers.host),
        site: printable(headers['sec-fetch-site']),
        option: refusal.option,
      })
    }
    return refusal
  }
}

/** Headers may carry bytes that steer a terminal. */
function printable(value: string | string[] | undefined): string | undefined {
  return value
    ?.slice(0, maxLogged)
    .toString()
    .replace(/[^\x20-\x7e]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
