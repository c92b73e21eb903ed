import type { WindowEntry } from './hot-window.ts'

/**
 * Finds the event topics of a message. Implemented by typed events. A gateway without a schema has
 * none.
 */
export interface EventMatcher {
  /** Whether a field of the schema reads messages of this exchange. */
  hasExchange(exchange: string): boolean
  /**
   * The keys that the message matches, each once. Keys without a subscription on this replica may
   * be missing. Called for the tail and for replays. Throws `UndecodableBody` if a field needs the
   * body and it cannot be decoded.
   */
  keysOf(message: WindowEntry): readonly string[]
}

/** The matcher of a gateway without a schema. */
export const noEvents: EventMatcher = {
  hasExchange: () => false,
  keysOf: () => [],
}
