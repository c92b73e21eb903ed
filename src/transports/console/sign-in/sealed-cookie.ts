import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { openSealedText, sealText } from '../../../auth/sealed-text.ts'

/** RFC 6265 §6.1: browsers keep at least 4,096 bytes of a cookie with its name and attributes. */
export const maxCookieBytes = 3_800

/**
 * A cookie that only the gateways of this deployment can read or make. All replicas share the
 * secret, so a sign-in may begin on one and end on another. Browsers send a cookie to every port of
 * a host; the name depends on the secret and the provider, so two deployments on one host keep
 * theirs apart.
 */
export class SealedCookie<Value extends object> {
  readonly #name: string
  readonly #secret: string
  readonly #purpose: string
  readonly #attributes: string

  /**
   * `issuedFor`: the provider, and the client there. `path`: the requests that get the cookie.
   * `sameSite`: Lax if another site leads to them.
   */
  constructor({
    name,
    secret,
    issuedFor,
    path,
    sameSite,
  }: {
    name: string
    secret: string
    issuedFor: string
    path: string
    sameSite: 'Lax' | 'Strict'
  }) {
    this.#purpose = `warren console cookie ${name} ${issuedFor}`
    const deployment = createHash('sha256').update(`${this.#purpose} ${secret}`).digest('hex').slice(0, 8)
    this.#name = `warren-${name}-${deployment}`
    this.#secret = secret
    this.#attributes = `Path=${path}; HttpOnly; SameSite=${sameSite}`
  }

  /** Undefined: the request has no such cookie, or one that this deployment did not make. */
  read(request: IncomingMessage): Value | undefined {
    const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
    const found = pairs.find((pair) => pair.startsWith(`${this.#name}=`))
    const text = found && openSealedText(found.slice(this.#name.length + 1), this.#secret, this.#purpose)
    return text === undefined || text === '' ? undefined : (JSON.parse(text) as Value)
  }

  /** Returns false, and sets nothing, if the value is too large for a cookie. */
  set(
    response: ServerResponse,
    value: Value,
    { maxAgeSeconds, secure }: { maxAgeSeconds: number; secure: boolean },
  ): boolean {
    const pair = `${this.#name}=${sealText(JSON.stringify(value), this.#secret, this.#purpose)}`
    if (pair.length > maxCookieBytes) return false
    this.#append(
      response,
      `${pair}; Max-Age=${Math.ceil(maxAgeSeconds)}; ${this.#attributes}${secure ? '; Secure' : ''}`,
    )
    return true
  }

  clear(response: ServerResponse): void {
    this.#append(response, `${this.#name}=; Max-Age=0; ${this.#attributes}`)
  }

  #append(response: ServerResponse, cookie: string): void {
    response.appendHeader('set-cookie', cookie)
  }
}
