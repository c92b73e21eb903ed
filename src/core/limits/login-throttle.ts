import { GatewayError } from '../../errors.ts'

const windowMs = 60_000
/** One network may miss the passwords of so many times as many clients before it has to wait. */
const networkFactor = 10
/** Keys that are kept; past it, the oldest is forgotten. */
const maxKeys = 100_000

interface Window {
  readonly since: number
  missed: number
  /** Those that are being checked: each may turn out wrong. */
  pending: number
}

/**
 * Wrong passwords by client id and network. Only those two together are refused, so that guessing
 * elsewhere cannot keep a client from its channel. A network that misses many clients' passwords is
 * not refused, because others may share its address behind a proxy: it is `slowed`, so that its
 * checks wait for everybody else's.
 */
export class LoginThrottle {
  readonly #perMinute: number
  readonly #windows = new Map<string, Window>()

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /**
   * Throws `LIMIT_EXCEEDED` where the client's passwords were missed too often from there, whether
   * or not this is the right one.
   */
  check(clientId: string, network: string): void {
    this.#demandRoom(this.#current(pair(clientId, network)), 0)
  }

  #demandRoom(window: Window | undefined, pending: number): void {
    if (!window || window.missed + pending < this.#perMinute) return
    const seconds = Math.ceil((window.since + windowMs - Date.now()) / 1_000)
    throw new GatewayError('LIMIT_EXCEEDED', `too many wrong passwords; try again in ${seconds} s`, {
      limit: 'WARREN_MAX_PASSWORD_FAILURES',
    })
  }

  /**
   * Called as a check begins: it counts as a wrong password until `settle` is called with what it
   * was, so that checks which run at the same time cannot pass the limit together. Throws as
   * `check` does.
   */
  begin(clientId: string, network: string): { settle(matches: boolean): void } {
    const ofPair = this.#current(pair(clientId, network))
    this.#demandRoom(ofPair, ofPair?.pending ?? 0)
    const begun = [pair(clientId, network), network].map((key) => ({ key, window: this.#opened(key) }))
    for (const { window } of begun) window.pending += 1
    return {
      settle: (matches) => {
        for (const { key, window } of begun) {
          window.pending -= 1
          if (!matches) window.missed += 1
          const isEmpty = window.missed === 0 && window.pending === 0
          if (isEmpty && this.#windows.get(key) === window) this.#windows.delete(key)
        }
      },
    }
  }

  /**
   * Whether so many passwords were missed from the network that its checks have to wait for those
   * of others.
   */
  slowed(network: string): boolean {
    return (this.#current(network)?.missed ?? 0) >= this.#perMinute * networkFactor
  }

  /** Whether this client's password was missed from there lately. */
  hasMissed(clientId: string, network: string): boolean {
    return (this.#current(pair(clientId, network))?.missed ?? 0) > 0
  }

  #opened(key: string): Window {
    const current = this.#current(key)
    if (current) return current
    const window = { since: Date.now(), missed: 0, pending: 0 }
    this.#windows.set(key, window)
    // In the order in which their windows began.
    for (const oldest of this.#windows.keys()) {
      if (this.#windows.size <= maxKeys) break
      this.#windows.delete(oldest)
    }
    return window
  }

  #current(key: string): Window | undefined {
    const window = this.#windows.get(key)
    if (!window || Date.now() - window.since < windowMs) return window
    this.#windows.delete(key)
    return undefined
  }
}

/** Neither has a line break in it. */
function pair(clientId: string, network: string): string {
  return `${network}\n${clientId}`
}
