import type { ChannelEvent, GapEvent } from '../model/channel-event.ts'
import type { Topic } from './topic.ts'

/** Receives the events of one topic. The hub calls it for each event, in order. */
export interface Subscriber {
  /** Does not change while the hub or a replay holds the subscriber. */
  readonly topic: Topic
  /**
   * Must neither block nor throw. A subscriber queues what it cannot handle now, within a bound.
   * Past the bound it unsubscribes from live delivery.
   */
  deliver(event: ChannelEvent): void
  /**
   * Called in place of `deliver` with a gap, because retention deleted entries that it was to
   * receive live, or the journal was replaced. Default: the gap is delivered.
   */
  missed?(gap: GapEvent): void
  /**
   * Called with the error if `deliver` threw. The hub has removed this subscriber, and the others
   * are not affected. Must not throw.
   */
  fail?(error: unknown): void
}
