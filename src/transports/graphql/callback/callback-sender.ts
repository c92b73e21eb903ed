import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { errorText } from '../../../core/model/error-text.ts'
import { jitterAround } from '../../../core/timing/jitter.ts'
import { guardedLookup } from './allowed-urls.ts'

/** How long a router may take to answer one message, in milliseconds. */
const answerMs = 10_000
/** The pauses before further attempts, in milliseconds; after the last one the router is dead. */
const pausesMs = [100, 300, 900, 1_000, 1_000]
/** Connections to one router. */
const maxSockets = 256
/** An answer has no body; a longer one ends the connection, in bytes. */
const maxAnswerBytes = 64 * 1024

const protocolHeader = 'subscription-protocol'
const protocolVersion = 'callback/1.0'

/** `gone`: the router does not want the message. `dead`: it did not answer, or only with 5xx. */
export type Outcome = 'taken' | 'gone' | 'dead'

/** Posts messages to routers. Redirects are not followed. */
export class CallbackSender {
  readonly #agents = {
    'http:': new HttpAgent({ keepAlive: true, maxSockets, lookup: guardedLookup }),
    'https:': new HttpsAgent({ keepAlive: true, maxSockets, lookup: guardedLookup }),
  }
  /** Each ends a post or a pause at once. */
  readonly #ends = new Set<() => void>()
  #isClosed = false
  readonly #warn: (text: string, details: Record<string, unknown>) => void
  readonly #pending = new Set<Promise<unknown>>()

  /** `warn`: logs that a router could not be reached. */
  constructor(warn: (text: string, details: Record<string, unknown>) => void) {
    this.#warn = warn
  }

  /**
   * Resolves when the router has answered. Network errors and 5xx are tried again. `isTaken`: which
   * statuses are a success.
   */
  send(url: URL, body: Buffer, isTaken: (status: number) => boolean): Promise<Outcome> {
    const sending = this.#send(url, body, isTaken)
    this.#pending.add(sending)
    void sending.finally(() => this.#pending.delete(sending))
    return sending
  }

  /** Resolves when all messages have been answered, or after `withinMs`. */
  async close(withinMs: number): Promise<void> {
    const timer = setTimeout(() => this.#endAll(), withinMs)
    while (this.#pending.size > 0) {
      await Promise.allSettled(this.#pending)
      // After an answer the last message of a subscription may follow.
      await new Promise((resolve) => setImmediate(resolve))
    }
    clearTimeout(timer)
    this.#endAll()
    for (const agent of Object.values(this.#agents)) agent.destroy()
  }

  #endAll(): void {
    this.#isClosed = true
    for (const end of this.#ends) end()
  }

  async #send(url: URL, body: Buffer, isTaken: (status: number) => boolean): Promise<Outcome> {
    let error: unknown
    for (let attempt = 0; !this.#isClosed; attempt += 1) {
      const status = await this.#post(url, body).catch((reason: unknown) => {
        error = reason
        return undefined
      })
      if (status !== undefined && status < 500) return isTaken(status) ? 'taken' : 'gone'
      if (status !== undefined) error = `status ${status}`
      const pauseMs = pausesMs[attempt]
      if (pauseMs === undefined) break
      await this.#pause(jitterAround(pauseMs))
    }
    this.#warn('a router could not be reached, and its subscription ended', {
      url: url.origin + url.pathname,
      error: errorText(error),
    })
    return 'dead'
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#ends.delete(done)
        resolve()
      }
      const timer = setTimeout(done, ms)
      this.#ends.add(done)
    })
  }

  #post(url: URL, body: Buffer): Promise<number> {
    const isHttps = url.protocol === 'https:'
    const send = isHttps ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const sent = send(url, {
        method: 'POST',
        agent: this.#agents[isHttps ? 'https:' : 'http:'],
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          [protocolHeader]: protocolVersion,
        },
      })
      const end = (): void => void sent.destroy(new Error('the gateway closes'))
      this.#ends.add(end)
      let timer: NodeJS.Timeout | undefined
      // From here on, because a message may wait for a connection.
      sent.once('socket', () => {
        timer = setTimeout(() => sent.destroy(new Error('no answer in time')), answerMs)
      })
      sent.once('close', () => {
        clearTimeout(timer)
        this.#ends.delete(end)
        reject(new Error('the connection was closed'))
      })
      sent.once('error', reject)
      sent.once('response', (response) => {
        let bytes = 0
        response.on('data', (piece: Buffer) => {
          bytes += piece.length
          if (bytes > maxAnswerBytes) sent.destroy()
        })
        // Before the end of the answer the connection cannot be used again.
        response.once('end', () => resolve(response.statusCode ?? 0))
        response.once('error', reject)
      })
      sent.end(body)
    })
  }
}

export const callbackHeaders = { [protocolHeader]: protocolVersion }
