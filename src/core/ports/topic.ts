import type { MessageEvent } from '../model/channel-event.ts'
import type { Audience } from '../model/source.ts'
import type { WindowEntry } from './hot-window.ts'

/**
 * What a subscription receives: the channel of a client, or the events of a typed field that meet
 * its conditions.
 */
export type Topic = ChannelTopic | EventTopic

export interface ChannelTopic {
  readonly kind: 'channel'
  readonly clientId: string
}

export interface EventTopic {
  readonly kind: 'event'
  /** The name of the subscription field. */
  readonly field: string
  /** What the subscriber calls it, such as `orderChanged?customerId=7`. */
  readonly name: string
  /** Stands for its conditions: subscriptions with equal conditions have equal keys. */
  readonly key: string
  /** Its keyed state, with which a subscription begins. Undefined: it has none. */
  readonly state?: StateTopic | undefined
}

/** Judges messages for one topic, whether or not there is a subscription. */
export interface TopicTest {
  /** `EventTopic.key`. */
  readonly key: string
  /**
   * `cursor` prints the cursor of the message. False for a body that cannot be decoded.
   */
  matches(message: WindowEntry, cursor: () => string): boolean
}

/** The rows of a keyed state that a topic may match. */
export interface StateTopic extends Pick<TopicTest, 'matches'> {
  /** `StateDefinition.id`. */
  readonly id: string
  /** The rows with one of these texts in their index column. Undefined: all rows. */
  readonly indexes: readonly string[] | undefined
  /** The key of a message. A message without one is a key of its own. */
  keyOf(event: MessageEvent): unknown
}

/** Whether a subscription to the topic begins with keyed state. */
export function hasState(topic: Topic): boolean {
  return topic.kind === 'event' && topic.state !== undefined
}

export function channelTopic(clientId: string): ChannelTopic {
  return { kind: 'channel', clientId }
}

/** The topics that a message is for. */
export interface Recipients {
  readonly clients: Audience
  /**
   * Keys of event topics, each once. Keys without a subscription on this replica may be missing.
   */
  readonly eventKeys: readonly string[]
  /** Why no typed field takes the message, though its exchange is one of theirs. */
  readonly excluded?: 'filtered' | 'invalid' | 'no_subscriber' | undefined
  /** `EventMatches.reading`. */
  readonly reading?: object | undefined
}

export const noRecipients: Recipients = { clients: [], eventKeys: [] }
