import { GatewayError } from '../errors.ts'

const windowMs = 60_000
/** One address may miss the passwords of so many times as many clients. */
const addressFactor = 10
/** Keys that are kept; past it, the oldest is forgotten. */
const maxKeys = 100_000

/**
 * Wrong passwords by client id and address. Only those two together lock anybody out, so that a stranger elsewhere cannot keep a client
 * from its channel by guessing; and an address that tries one password on many clients has a bound of its own.
 */
export class PasswordFailures {
  readonly #perMinute: number
  readonly #windows = new Map<string, { since: number; count: number }>()

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /** Called before a password is looked at; throws `LIMIT_EXCEEDED`, whether or not it is the right one. */
  check(clientId: string, address: string): void {
    for (const { key, max } of this.#keysOf(clientId, address)) {
      const window = this.#current(key)
      if (!window || window.count < max) continue
      const seconds = Math.ceil((window.since + windowMs - Date.now()) / 1_000)
      throw new GatewayError('LIMIT_EXCEEDED', `too many wrong passwords; try again in ${seconds} s`, {
        limit: 'WARREN_MAX_PASSWORD_FAILURES',
      })
    }
  }

  add(clientId: string, address: string): void {
    for (const { key } of this.#keysOf(clientId, address)) {
      const window = this.#current(key)
      if (window) window.count += 1
      else this.#windows.set(key, { since: Date.now(), count: 1 })
    }
    // In the order in which their windows began.
    for (const key of this.#windows.keys()) {
      if (this.#windows.size <= maxKeys) break
      this.#windows.delete(key)
    }
  }

  #keysOf(clientId: string, address: string): { key: string; max: number }[] {
    return [
      { key: `${address} ${clientId}`, max: this.#perMinute },
      { key: address, max: this.#perMinute * addressFactor },
    ]
  }

  #current(key: string): { since: number; count: number } | undefined {
    const window = this.#windows.get(key)
    if (!window || Date.now() - window.since < windowMs) return window
    this.#windows.delete(key)
    return undefined
  }
}
