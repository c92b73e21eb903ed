import { isLoopback } from '../core/loopback.ts'

/**
 * Which web pages may use this gateway: those of its own origin, those on this machine, and those that the operator
 * names. A request without `Origin` is no page's. One list for CORS and for upgrades, where browsers ask for no permission.
 */
export class Origins {
  readonly #allowed: ReadonlySet<string>
  readonly #any: boolean

  /** `allowed`: origins as browsers print them (`https://app.example.com`), or `*`. */
  constructor(allowed: readonly string[]) {
    this.#any = allowed.includes('*')
    this.#allowed = new Set(allowed)
  }

  allows(origin: string | null | undefined, host: string | null | undefined): boolean {
    if (origin === null || origin === undefined || this.#any || this.#allowed.has(origin)) return true
    try {
      const url = new URL(origin)
      return url.host === host || isLoopback(url.hostname)
    } catch {
      return false
    }
  }
}
