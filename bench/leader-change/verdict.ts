import type { Outcome } from './round.ts'

export interface Verdict {
  /** False if the rounds are not conclusive. */
  readonly foundOut: boolean
  readonly sentence: string
}

/** A channel with less in flight when its leader ended proves nothing. */
const leastUnanswered = 3

/** Whether it matters on this RabbitMQ on which channel a publisher publishes. */
export function verdict(version: string, outcomes: readonly Outcome[]): Verdict {
  const total = (of: readonly Outcome[], value: (one: Outcome) => number) =>
    of.reduce((sum, one) => sum + value(one), 0)
  const [clean, shared] = [outcomes.filter(isClean), outcomes.filter((one) => !isClean(one))]
  const count = (of: readonly Outcome[]) => `${total(of, ({ lost }) => lost)} of ${total(of, (one) => one.confirmed)}`
  const idle = outcomes.filter(({ mostUnanswered }) => mostUnanswered < leastUnanswered)
  if (outcomes.length === 0 || idle.length > 0) {
    const why = `nothing was in flight at ${idle.length} of ${outcomes.length} leader changes`
    return { foundOut: false, sentence: `It is not certain whether RabbitMQ ${version} needs care: ${why}.` }
  }
  if (total(clean, ({ lost }) => lost) > 0) {
    const why = `channels for one stream alone lost ${count(clean)} confirmed messages`
    return { foundOut: false, sentence: `RabbitMQ ${version} loses messages for another reason: ${why}.` }
  }
  if (total(shared, ({ lost }) => lost) > 0) {
    const why = `shared channels lost ${count(shared)} confirmed messages, channels for one stream alone ${count(clean)}`
    return { foundOut: true, sentence: `RabbitMQ ${version} needs care: ${why}.` }
  }
  return {
    foundOut: true,
    sentence: `RabbitMQ ${version} does not need care: ${count(outcomes)} confirmed messages were lost.`,
  }
}

function isClean({ variant }: Outcome): boolean {
  return variant.clean
}
