import { GatewayError } from '../../errors.ts'

/** The most requests in flight of one session, or of one caller over HTTP. */
const maxEach = 20
/** The most requests in flight of all callers. */
const maxTotal = 1_000

/** Bounds how many requests wait for their replies. */
export class RequestLimit {
  readonly #each = new Map<unknown, number>()
  #total = 0

  /** Throws `LIMIT_EXCEEDED`. The caller calls the result when the request is over. */
  take(caller: unknown): () => void {
    const count = this.#each.get(caller) ?? 0
    if (count >= maxEach) throw exceeded(`at most ${maxEach} requests in flight a session`, 'requestsOfSession')
    if (this.#total >= maxTotal) throw exceeded(`at most ${maxTotal} requests in flight`, 'requests')
    this.#each.set(caller, count + 1)
    this.#total += 1
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      this.#total -= 1
      const left = (this.#each.get(caller) ?? 1) - 1
      if (left > 0) this.#each.set(caller, left)
      else this.#each.delete(caller)
    }
  }
}

function exceeded(message: string, limit: string): GatewayError {
  return new GatewayError('LIMIT_EXCEEDED', message, { limit })
}
