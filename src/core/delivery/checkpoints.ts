import type { CheckpointEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { ChannelSubscription } from './channel-subscription.ts'

/**
 * How old an idle channel's cursor may grow where its subscriber asked for checkpoints, in
 * milliseconds.
 */
const checkpointAfterMs = 15_000

/**
 * Keeps the cursors of idle channels fresh, so that retention does not take the place where a quiet
 * client stands.
 */
export class Checkpoints {
  readonly #subscriptions = new Set<ChannelSubscription>()

  /** For a feed that is live and wants them. */
  add(subscription: ChannelSubscription): void {
    this.#subscriptions.add(subscription)
  }

  remove(subscription: ChannelSubscription): void {
    this.#subscriptions.delete(subscription)
  }

  /** Called at each mark: a position that every live feed has passed. */
  onMark(cursorAtMark: () => Cursor): void {
    const receivedAt = Date.now()
    let event: CheckpointEvent | undefined
    for (const subscription of this.#subscriptions) {
      if (subscription.lastEventAt > receivedAt - checkpointAfterMs) continue
      event ??= { kind: 'CHECKPOINT', cursor: cursorAtMark(), receivedAt }
      subscription.deliver(event)
    }
  }
}
