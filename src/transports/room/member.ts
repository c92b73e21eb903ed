import type { Session } from '../../core/sessions/session.ts'
import type { Outbox } from '../flow/outbox.ts'
import type { Envelope, FrameKind, RoomFrame } from './room-frame.ts'

/**
 * A client in the common room. What it is too slow for waits, within its bound; past it the client
 * is told to come back.
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

  /** Who pays for what it sends: `payerOf`. */
  get payer(): string | undefined {
    return this.#session.payer
  }

  /** What throws ends this member alone: the room has others. */
  deliver(frame: RoomFrame, kind: FrameKind): void {
    try {
      this.#push(frame.encode(kind, this.envelope))
    } catch (error) {
      this.#session.failed(error)
      this.#session.close('INTERNAL_ERROR')
    }
  }

  /** A frame for this client alone, as `Outbox.push` takes it. */
  tell(frame: string): void {
    this.#push(frame)
  }

  /** There is room again. */
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
    // One is always held, else a large frame would never pass.
    if (this.#waiting.length > 0 && this.#bytes + frame.length > this.#maxBufferedBytes) {
      this.#waiting = []
      return this.#session.close('SLOW_CONSUMER')
    }
    this.#waiting.push(frame)
    this.#bytes += frame.length
    this.#outbox.whenRoom(this)
  }
}
