import type { Message } from '../model/message.ts'

/** What to do with a message after it was shown. */
export type QuarantineDecision = 'keep' | 'remove'

export interface QuarantineVisit {
  /** Messages in the quarantine before the visit. */
  readonly count: number
  /**
   * Messages that could not be visited, because the broker cannot deliver the first of them. 0: all
   * were visited, or `limit` was reached.
   */
  readonly unread: number
}

/** The quarantine of a deployment, for operators. */
export interface QuarantineStore {
  /**
   * Passes the messages that it holds now to `decide`, one after another, at most `limit`. One
   * visit follows another, whichever replica asks. Rejects with `BROKER_UNAVAILABLE`, also if the
   * visits before take too long, or with the error of `decide`; undecided messages are kept.
   */
  visit(limit: number, decide: (message: Message) => Promise<QuarantineDecision>): Promise<QuarantineVisit>
  /**
   * Deletes the first message that the broker cannot deliver, so that those behind it can be
   * visited. Resolves with false if there is none. Rejects as `visit` does, also if another program
   * takes messages out at the same time.
   */
  dropUndeliverable(): Promise<boolean>
}
