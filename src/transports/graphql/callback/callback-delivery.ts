import { type CloseReason, closeReasons } from '../../../close-reasons.ts'
import { latin1Of } from '../../../core/body/latin1.ts'
import { ChannelSubscription } from '../../../core/delivery/channel-subscription.ts'
import type { StreamedSubscription } from '../streaming/response-body.ts'
import { bytesOf, type ChunkWriter, type ResultSource } from '../streaming/result-source.ts'
import type { StreamForm } from '../streaming/stream-form.ts'
import type { CallbackRequest } from './callback-request.ts'
import type { CallbackSender, Outcome } from './callback-sender.ts'

/**
 * Heartbeats are sent a little more often than the router wants them, because it ends the
 * subscription when one is late.
 */
const heartbeatFactor = 0.75

/** The messages of one subscription (HTTP callback protocol 1.0). */
export interface CallbackForm extends StreamForm {
  readonly check: string
  /** Empty after a failure. */
  ending(reason?: CloseReason): string
}

export function callbackForm({ subscriptionId, verifier }: CallbackRequest): CallbackForm {
  const message = (action: string, more = ''): string => {
    const fields = { kind: 'subscription', action, id: subscriptionId, verifier }
    return `${latin1Of(JSON.stringify(fields)).slice(0, -1)}${more}}`
  }
  const failure = (errors: string): string => message('complete', `,"errors":${errors}`)
  let failed = false
  const check = message('check')
  return {
    mediaType: 'application/json',
    transport: 'callback',
    headers: {},
    opening: () => '',
    heartbeat: check,
    check,
    result: (json) => message('next', `,"payload":${json}`),
    failure(errors) {
      failed = true
      return failure(errors)
    },
    // A router kept a subscription for which `errors` was an empty list.
    ending: (reason) => (failed ? '' : reason && reason !== 'NORMAL' ? failure(errorsOf(reason)) : message('complete')),
  }
}

function errorsOf(reason: CloseReason): string {
  const { text, comeBack } = closeReasons[reason]
  return JSON.stringify([{ message: text, extensions: { code: reason, comeBack } }])
}

export interface CallbackDeliveryOptions {
  readonly form: CallbackForm
  readonly url: URL
  readonly heartbeatMs: number
  readonly results: ResultSource
  readonly stream: StreamedSubscription
  readonly sender: CallbackSender
}

/**
 * Posts the results of one subscription, one message after the other. While a message is not
 * answered, no event is taken: events wait in the subscription within its bounds, and beyond them
 * in the journal.
 */
export class CallbackDelivery implements ChunkWriter {
  readonly #options: CallbackDeliveryOptions
  readonly #waiting: Uint8Array[] = []
  #heartbeat: NodeJS.Timeout | undefined
  #isSending = false
  #isPulling = false
  #checkIsDue = false
  /** The last message was a heartbeat. */
  #wasCheck = false
  /** The last message is on its way or waits. */
  #isEnding = false
  #isOver = false

  constructor(options: CallbackDeliveryOptions) {
    this.#options = options
  }

  /** Asks the router whether it wants the subscription. Events are taken only after `begin`. */
  async check(): Promise<boolean> {
    const { sender, url, form } = this.#options
    return (await sender.send(url, bufferOf(form.check), (status) => status === 204)) === 'taken'
  }

  begin(): void {
    const { stream, heartbeatMs } = this.#options
    if (stream.session.ended) return this.#stop('gone')
    // Events that wait must not delay the last message: the client comes back with its cursor.
    stream.onClosed = () => {
      void stream.subscription.return()
      if (stream.subscription instanceof ChannelSubscription) stream.subscription.flush()
    }
    if (heartbeatMs > 0) {
      this.#heartbeat = setInterval(() => {
        this.#checkIsDue = true
        void this.#sendAll()
      }, heartbeatMs * heartbeatFactor)
    }
    this.#pull()
  }

  /** Whether a message is not answered yet. */
  get isSending(): boolean {
    return this.#isSending
  }

  get hasRoom(): boolean {
    return !this.#isSending && !this.#isOver && this.#waiting.length === 0
  }

  write(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.#waiting.push(chunk)
    void this.#sendAll()
  }

  end(): void {
    if (this.#isEnding) return
    this.#isEnding = true
    clearInterval(this.#heartbeat)
    const { form, stream } = this.#options
    const ending = form.ending(stream.closeReason)
    if (ending !== '') this.write(bytesOf(ending))
  }

  async #sendAll(): Promise<void> {
    if (this.#isSending || this.#isOver) return
    this.#isSending = true
    const { sender, url } = this.#options
    for (let message = this.#next(); message; message = this.#next()) {
      const outcome = await sender.send(url, message, (status) => status >= 200 && status < 300)
      if (outcome !== 'taken') return this.#stop(outcome)
      this.#isSending = false
      if (this.#waiting.length === 0 && !this.#isEnding) this.#pull()
      // An event was there, and another call sends it.
      if (this.isSending) return
      this.#isSending = true
    }
    this.#isSending = false
  }

  /**
   * Messages and heartbeats take turns: otherwise a router that is slower than its heartbeats would
   * get nothing else.
   */
  #next(): Buffer | undefined {
    const isCheck = this.#checkIsDue && !this.#isEnding && !(this.#wasCheck && this.#waiting.length > 0)
    this.#wasCheck = isCheck
    if (isCheck) {
      this.#checkIsDue = false
      return bufferOf(this.#options.form.check)
    }
    const chunk = this.#waiting.shift()
    return chunk && Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  }

  /** A source is pulled again only after it has written something. */
  #pull(): void {
    if (this.#isPulling) return
    const pulled = this.#options.results.pull(this)
    if (!(pulled instanceof Promise)) return
    this.#isPulling = true
    void pulled.finally(() => {
      this.#isPulling = false
      if (this.hasRoom && !this.#isEnding) this.#pull()
    })
  }

  /** The router does not want the subscription any more, or cannot be reached. */
  #stop(outcome: Exclude<Outcome, 'taken'>): void {
    this.#isOver = true
    clearInterval(this.#heartbeat)
    this.#waiting.length = 0
    this.#options.stream.session.end(outcome === 'gone' ? 'client' : 'lost')
    void this.#options.results.cancel()
  }
}

function bufferOf(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1')
}
