import type { Counted } from '../accounting/message-outcomes.ts'
import { MessageEvent, type StateMark } from '../model/channel-event.ts'
import type { Cursor, CursorCodec } from '../model/cursor.ts'
import type { JournalMessage } from '../model/message.ts'

/**
 * The last message of a key. Rows are delivered in the order of their offsets, so what a client
 * resumes after is the cursor of the message itself: everything of the state up to it is delivered.
 */
export class StateEvent extends MessageEvent {
  readonly #mark: StateMark
  readonly #place: Cursor | undefined

  /** `place`: the last event of the state has the position up to which the state is folded. */
  constructor(
    codec: CursorCodec,
    epoch: string,
    message: JournalMessage & Counted,
    mark: StateMark,
    place: Cursor | undefined,
  ) {
    super(codec, epoch, message)
    this.#mark = mark
    this.#place = place
  }

  override get cursor(): Cursor {
    return this.#place ?? super.cursor
  }

  override get state(): StateMark {
    return this.#mark
  }
}
