import { forTypedFields } from '../sources/match-reason.ts'
import type { TracedMessage } from './replica-trace.ts'

type Explained = Pick<
  TracedMessage,
  'outcome' | 'reason' | 'matched' | 'delivered' | 'dropped' | 'clientCount' | 'sourceReasons' | 'fields'
>

/**
 * What became of a message, in one sentence for people. `of`: on one replica, or on all that
 * answered. `behind`: subscriptions that read it later.
 */
export function outcomeText(message: Explained, of: 'one replica' | 'all replicas', behind: number): string {
  const text = deliveryText(message, of, behind)
  return message.reason === 'schema' ? `${text} ${misfitText(message.fields)}` : text
}

/** A copy went to the quarantine. Channels and other fields may have received the message. */
function misfitText(fields: Explained['fields']): string {
  const misfits = fields.filter(({ outcome }) => outcome === 'invalid')
  // The schema may have changed since.
  if (misfits.length === 0) return 'A copy of it went to the quarantine, because it did not fit a typed field.'
  const named = misfits.map(({ field, detail }) => `${field}${detail === null ? '' : `, ${detail}`}`).join('; ')
  return `A copy of it went to the quarantine, because it does not fit the typed field ${named}.`
}

function deliveryText(message: Explained, of: 'one replica' | 'all replicas', behind: number): string {
  const { outcome, matched, delivered, dropped } = message
  const here = of === 'one replica' ? ' here' : ''
  switch (outcome) {
    case 'delivered': {
      const pending = matched - delivered - dropped
      const rest = [pending > 0 && `${pending} waiting for slow clients`, dropped > 0 && `${dropped} dropped`]
      return `${delivered} of ${matched} subscriptions received it${listed(rest)}.`
    }
    case 'no_subscriber':
      if (behind > 0)
        return behind === 1
          ? 'One subscription of its clients is behind: it reads the journal at its own pace, and receives it later.'
          : `${behind} subscriptions of its clients are behind: they read the journal at their own pace, and receive it later.`
      if (message.clientCount === 0) return `${noClient(message)} No subscription of a typed field wanted it.`
      return matched > 0
        ? `None of its clients was subscribed${here} when it arrived; ${delivered} received it later, when they resumed.`
        : `None of its clients was subscribed${here} when it arrived; a client that resumes with an older cursor receives it.`
    case 'unmatched':
      return noClient(message)
    case 'repeated':
      return 'It repeats an earlier message, so it was not delivered again.'
    case 'quarantined':
      return `It is in the quarantine: ${message.reason ?? 'its body cannot be read'}.`
    case 'filtered':
      return 'Only typed fields are for it, and their event types or conditions exclude it.'
    case 'invalid':
      return 'Only typed fields are for it, and it does not fit their types.'
    case null:
      return of === 'one replica'
        ? 'This replica started after it arrived, and only replays it.'
        : 'No replica remembers what became of it (WARREN_HOT_WINDOW). The journal still has the message.'
  }
}

function noClient({ sourceReasons }: Explained): string {
  if (sourceReasons.length === 0) return 'No source has its exchange.'
  const reasons = new Set(sourceReasons.map((one) => one.reason))
  if (reasons.size > 1) reasons.delete(forTypedFields)
  return `No source found a client: ${[...reasons].join('; ')}.`
}

function listed(parts: readonly (string | false)[]): string {
  const given = parts.filter((part) => part !== false)
  return given.length === 0 ? '' : `, ${given.join(', ')}`
}
