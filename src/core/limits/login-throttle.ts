import { GatewayError } from '../../errors.ts'

const windowMs = 60_000
/** How many times the limit of one client a network may fail before it is slowed. */
const networkFactor = 10
/** The most keys; past it, the oldest is forgotten. */
const maxKeys = 100_000

interface Window {
  readonly since: number
  failed: number
  /** Checks under way: each may turn out wrong. */
  pending: number
}

/**
 * Counts wrong passwords by client id and network. Only the pair is refused, so that guessing from
 * elsewhere cannot lock a client out of its channel. A network that fails for many clients is not
 * refused, because others may share its address behind a proxy. It is `slowed`: its checks wait for
 * those of other networks.
 */
export class LoginThrottle {
  readonly #perMinute: number
  readonly #windows = new Map<string, Window>()

  constructor(perMinute: number) {
    this.#perMinute = perMinute
  }

  /**
   * Throws `LIMIT_EXCEEDED` if this network tried too many wrong passwords for the client, whether
   * or not the next one is right.
   */
  check(clientId: string, network: string): void {
    this.#demandRoom(this.#current(pair(clientId, network)), 0)
  }

  #demandRoom(window: Window | undefined, pending: number): void {
    if (!window || window.failed + pending < this.#perMinute) return
    const seconds = Math.ceil((window.since + windowMs - Date.now()) / 1_000)
    throw new GatewayError('LIMIT_EXCEEDED', `too many wrong passwords; try again in ${seconds} s`, {
      limit: 'WARREN_MAX_PASSWORD_FAILURES',
    })
  }

  /**
   * Called when a check starts. It counts as a wrong password until `settle` is called with the
   * result, so that concurrent checks cannot pass the limit together. Throws as `check` does.
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
          if (!matches) window.failed += 1
          const isEmpty = window.failed === 0 && window.pending === 0
          if (isEmpty && this.#windows.get(key) === window) this.#windows.delete(key)
        }
      },
    }
  }

  /**
   * Whether so many wrong passwords came from the network that its checks have to wait for those of
   * others.
   */
  slowed(network: string): boolean {
    return (this.#current(network)?.failed ?? 0) >= this.#perMinute * networkFactor
  }

  /** Whether this network recently tried a wrong password for this client. */
  hasFailed(clientId: string, network: string): boolean {
    return (this.#current(pair(clientId, network))?.failed ?? 0) > 0
  }

  #opened(key: string): Window {
    const current = this.#current(key)
    if (current) return current
    const window = { since: Date.now(), failed: 0, pending: 0 }
    this.#windows.set(key, window)
    // A Map iterates in the order in which the windows began.
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

/** Neither contains a line break. */
function pair(clientId: string, network: string): string {
  return `${network}\n${clientId}`
}
