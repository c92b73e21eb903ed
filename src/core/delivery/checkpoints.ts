import type { CheckpointEvent } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { ChannelSubscription } from './channel-subscription.ts'

/**
 * The age at which an idle subscription's cursor is renewed, in milliseconds. Only subscribers that
 * asked for checkpoints receive them.
 */
const checkpointAfterMs = 15_000

/**
 * Delivers fresh cursors to idle subscriptions, so that retention does not delete the position of a
 * client with a quiet channel.
 */
export class Checkpoints {
  readonly #subscriptions = new Set<ChannelSubscription>()

  /** Adds a live subscription that asked for checkpoints. */
  add(subscription: ChannelSubscription): void {
    this.#subscriptions.add(subscription)
  }

  remove(subscription: ChannelSubscription): void {
    this.#subscriptions.delete(subscription)
  }

  /** Called at each mark. Every live subscription has received all events before the mark. */
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
