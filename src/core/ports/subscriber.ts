import type { ChannelEvent } from '../model/channel-event.ts'

/** Whoever is given the events of a channel. The hub calls it for each, in order. */
export interface Subscriber {
  readonly channel: string
  /**
   * Must neither block nor throw: what can't be taken now is queued within a bound, and past it the
   * subscriber lets go of its live feed.
   */
  deliver(event: ChannelEvent): void
  /**
   * `deliver` threw: the hub has let go of this subscriber, and its neighbours go on. Must not
   * throw.
   */
  fail?(error: unknown): void
}
