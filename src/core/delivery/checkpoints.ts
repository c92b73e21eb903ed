import type { CheckpointEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { Feed } from './channel-subscription.ts'

/** How old an idle channel's cursor may grow where its subscriber asked for checkpoints, in milliseconds. */
const checkpointAfterMs = 15_000

/** Keeps the cursors of idle channels fresh, so that retention does not take the place where a quiet client stands. */
export class Checkpoints {
  readonly #feeds = new Set<Feed>()

  /** For a feed that is live and wants them. */
  add(feed: Feed): void {
    this.#feeds.add(feed)
  }

  remove(feed: Feed): void {
    this.#feeds.delete(feed)
  }

  /** Called at each mark: a position that every live feed has passed. */
  tell(cursorAtMark: () => Cursor): void {
    const receivedAt = Date.now()
    let event: CheckpointEvent | undefined
    for (const feed of this.#feeds) {
      if (feed.lastEventAt > receivedAt - checkpointAfterMs) continue
      event ??= { kind: 'CHECKPOINT', cursor: cursorAtMark(), receivedAt }
      feed.deliver(event)
    }
  }
}
