import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ErrorCode } from '../../errors.ts'
import type { Outbox, Waiting } from '../flow/outbox.ts'
import { textFrameHeader } from '../websocket/frame-writer.ts'
import type { CallId } from './packet.ts'
import { type Refusal, refusalOf, TokenRefused } from './refusal.ts'

export interface AnswersOptions {
  readonly outbox: Outbox
  /** Called when `areUnread` may have changed. */
  readonly onChange: () => void
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** What a client may have asked for and not read, in bytes. */
const maxUnreadBytes = 256 * 1024

/** What a client is sent beside the events of its channels. */
export class Answers implements Waiting {
  readonly #options: AnswersOptions
  #unreadBytes = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** More than the client may leave lying about. */
  get areUnread(): boolean {
    return this.#unreadBytes > maxUnreadBytes
  }

  transmit(event: string, data?: unknown): void {
    this.#options.outbox.push(frameOf(data === undefined ? { event } : { event, data }))
  }

  /** Never with a member `error`, not even null: the clients in Python ask whether it is there. */
  give(cid: CallId | undefined, data?: unknown): void {
    if (cid !== undefined) this.#push(frameOf(data === undefined ? { rid: cid } : { rid: cid, data }))
  }

  refuse(cid: CallId | undefined, error: unknown): void {
    const { log, onRefusal } = this.#options
    const refusal: Refusal = error instanceof TokenRefused ? error.refusal : refusalOf(error, log)
    if (refusal.code) onRefusal(refusal.code)
    if (cid !== undefined) this.#push(frameOf({ rid: cid, error: refusal }))
  }

  /** RFC 6455 §5.5.3. In place of ws, which answers without looking at what waits already. */
  pong(data: Buffer): void {
    this.#push(`\x8a${String.fromCharCode(data.length)}${data.toString('latin1')}`)
  }

  /** The outbox has room again. */
  flush(): void {
    this.#unreadBytes = 0
    this.#options.onChange()
  }

  #push(bytes: string): void {
    const { outbox, onChange } = this.#options
    if (outbox.hasRoom) this.#unreadBytes = 0
    this.#unreadBytes += bytes.length
    outbox.push(bytes)
    if (this.areUnread) outbox.whenRoom(this)
    onChange()
  }
}

function frameOf(packet: object): string {
  const bytes = latin1Of(printJson(packet) ?? '{}')
  return `${textFrameHeader(bytes.length)}${bytes}`
}
