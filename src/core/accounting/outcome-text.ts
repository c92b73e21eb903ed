import { forTypedFields } from '../sources/match-reason.ts'
import type { TracedMessage } from './replica-trace.ts'

/** What became of a message on a replica, in one sentence for people. */
export function outcomeText(message: TracedMessage): string {
  const { fate, reason, matched, delivered, dropped } = message
  switch (fate) {
    case 'delivered': {
      const pending = matched - delivered - dropped
      const rest = [pending > 0 && `${pending} waiting for slow clients`, dropped > 0 && `${dropped} dropped`]
      return `${delivered} of ${matched} subscriptions received it${listed(rest)}.`
    }
    case 'no_subscriber':
      if (message.clientCount === 0) return `No subscription of a typed field wanted it. ${noClient(message)}`
      return matched > 0
        ? `None of its clients was subscribed here when it arrived; ${delivered} received it later, when they resumed.`
        : 'None of its clients was subscribed here when it arrived; a client that resumes with an older cursor receives it.'
    case 'unmatched':
      return noClient(message)
    case 'repeated':
      return 'It repeats an earlier message, so it was not delivered again.'
    case 'quarantined':
      return `It is in the quarantine: ${reason ?? 'its body cannot be read'}.`
    case 'filtered':
      return 'Only typed fields are for it, and their event types or conditions exclude it.'
    case 'invalid':
      return 'Only typed fields are for it, and it does not fit their types.'
    case null:
      return 'This replica started after it arrived, and only replays it.'
  }
}

function noClient({ sourceReasons }: TracedMessage): string {
  if (sourceReasons.length === 0) return 'No source has its exchange.'
  const reasons = new Set(sourceReasons.map((one) => one.reason))
  if (reasons.size > 1) reasons.delete(forTypedFields)
  return `No source found a client: ${[...reasons].join('; ')}.`
}

function listed(parts: readonly (string | false)[]): string {
  const given = parts.filter((part) => part !== false)
  return given.length === 0 ? '' : `, ${given.join(', ')}`
}
