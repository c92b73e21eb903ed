import type { Session } from '../../core/sessions/session.ts'
import type { Outbox } from '../flow/outbox.ts'
import type { Envelope, FrameKind, RoomFrame } from './room-frame.ts'

/**
 * A client in the common room. Frames wait here while the client is too slow. Above the limit of
 * waiting bytes its session is closed with `SLOW_CONSUMER`.
 */
export class RoomMember {
  readonly envelope: Envelope
  readonly #session: Session
  readonly #outbox: Outbox
  readonly #maxBufferedBytes: number
  #waiting: string[] = []
  #bytes = 0

  constructor(options: {
    envelope: Envelope
    session: Session
    outbox: Outbox
    maxBufferedBytes: number
  }) {
    this.envelope = options.envelope
    this.#session = options.session
    this.#outbox = options.outbox
    this.#maxBufferedBytes = options.maxBufferedBytes
  }

  /** Accounts for what the client sends: `payerOf`. */
  get payer(): string | undefined {
    return this.#session.payer
  }

  /** Never throws: an error closes the session of this member alone. */
  deliver(frame: RoomFrame, kind: FrameKind): void {
    try {
      this.#push(frame.encode(kind, this.envelope))
    } catch (error) {
      this.#session.failed(error)
      this.#session.close('INTERNAL_ERROR')
    }
  }

  /** Sends a frame to this client alone, in the form that `Outbox.push` takes. */
  send(frame: string): void {
    this.#push(frame)
  }

  /** The outbox has room again. */
  flush(): void {
    let place = 0
    for (; place < this.#waiting.length && this.#outbox.hasRoom; place += 1) {
      const frame = this.#waiting[place] ?? ''
      this.#bytes -= frame.length
      this.#outbox.push(frame)
    }
    this.#waiting = this.#waiting.slice(place)
    if (this.#waiting.length > 0) this.#outbox.whenRoom(this)
  }

  #push(frame: string): void {
    if (this.#session.ended) return
    if (this.#waiting.length === 0 && this.#outbox.hasRoom) return this.#outbox.push(frame)
    // One frame may always wait: otherwise a frame above the limit could never be sent.
    if (this.#waiting.length > 0 && this.#bytes + frame.length > this.#maxBufferedBytes) {
      this.#waiting = []
      return this.#session.close('SLOW_CONSUMER')
    }
    this.#waiting.push(frame)
    this.#bytes += frame.length
    this.#outbox.whenRoom(this)
  }
}
