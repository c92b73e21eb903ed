import type { Message } from '../model/message.ts'

/** What to do with a message after it was shown. */
export type QuarantineDecision = 'keep' | 'remove'

/** The quarantine of a deployment, for operators. */
export interface QuarantineStore {
  /**
   * Passes the messages that it holds now to `decide`, one after another, at most `limit`. Resolves
   * with the number of messages before the visit. Rejects with `BROKER_UNAVAILABLE`, or with the
   * error of `decide`; undecided messages are kept.
   */
  visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<number>
}
