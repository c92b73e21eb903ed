import { latin1Of } from '../../core/body/latin1.ts'
import { printJson } from '../../core/json/print-json.ts'
import type { ErrorCode } from '../../errors.ts'
import type { Outbox, Waiting } from '../flow/outbox.ts'
import { pongFrame, textFrameHeader } from '../websocket/frame-writer.ts'
import type { CallId } from './packet.ts'
import { type Refusal, refusalOf, TokenRefused } from './refusal.ts'

export interface AnswersOptions {
  readonly outbox: Outbox
  /** Called when `areUnread` may have changed. */
  readonly onChange: () => void
  readonly log: (text: string, details: Record<string, unknown>) => void
  readonly onRefusal: (code: ErrorCode) => void
}

/** Of answers that the client has not read, in bytes. */
const maxUnreadBytes = 256 * 1024

/** Sends what is not an event of a channel: answers, pongs and events of the protocol. */
export class Answers implements Waiting {
  readonly #options: AnswersOptions
  #unreadBytes = 0

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** Whether the client has to read answers before more is read from it. */
  get areUnread(): boolean {
    return this.#unreadBytes > maxUnreadBytes
  }

  transmit(event: string, data?: unknown): void {
    this.#options.outbox.push(frameOf(data === undefined ? { event } : { event, data }))
  }

  /** Never with a member `error`, not even null: the Python clients check whether it exists. */
  answer(cid: CallId | undefined, data?: unknown): void {
    if (cid !== undefined) this.#push(frameOf(data === undefined ? { rid: cid } : { rid: cid, data }))
  }

  refuse(cid: CallId | undefined, error: unknown): void {
    const { log, onRefusal } = this.#options
    const refusal: Refusal = error instanceof TokenRefused ? error.refusal : refusalOf(error, log)
    if (refusal.code) onRefusal(refusal.code)
    if (cid !== undefined) this.#push(frameOf({ rid: cid, error: refusal }))
  }

  /** Answers a ping of WebSocket in the order of the other answers, and counted with them. */
  pong(data: Buffer): void {
    this.#push(pongFrame(data))
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
