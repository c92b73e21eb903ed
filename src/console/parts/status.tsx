import { Icon, type IconName } from './icon.tsx'
import { isAlsoQuarantined, type OutcomeName } from './outcome.ts'

/** The colours of states, by their CSS class. */
export type Tone = 'ok' | 'wait' | 'fail' | 'poison' | 'lostid' | 'filter' | 'quiet'

export interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: IconName
  /** Whether it wants a look. What is well has no coloured box. */
  readonly boxed: boolean
}

const look = (word: string, tone: Tone, icon: IconName, boxed = true): Look => ({ word, tone, icon, boxed })

/** What became of a message. */
export const outcomes = {
  DELIVERED: look('delivered', 'ok', 'ok', false),
  WAITING: look('waiting', 'wait', 'wait'),
  FILTERED: look('filtered', 'filter', 'filter'),
  DROPPED: look('dropped', 'fail', 'fail'),
  UNMATCHED: look('no client', 'lostid', 'lostid'),
  NO_SUBSCRIBER: look('no subscriber', 'quiet', 'quiet'),
  QUARANTINED: look('quarantined', 'poison', 'poison'),
  INVALID: look('does not fit', 'poison', 'schema'),
  REPEATED: look('repeated', 'quiet', 'repeat'),
  REPLAYED: look('only replayed', 'quiet', 'journal'),
} as const satisfies Record<OutcomeName, Look>

export const replicaStates = {
  SERVING: look('serves', 'ok', 'ok', false),
  BEHIND: look('behind', 'wait', 'wait'),
  BROKER_DOWN: look('broker away', 'fail', 'fail'),
  DRAINING: look('draining', 'filter', 'filter'),
  DRAINED: look('drained', 'quiet', 'filter'),
  ENDED: look('ended', 'quiet', 'quiet', false),
  SILENT: look('does not answer', 'fail', 'fail'),
} as const satisfies Record<string, Look>

export const clientStates = {
  online: look('online', 'ok', 'ok', false),
  slow: look('slow', 'wait', 'wait'),
  dropping: look('dropping', 'fail', 'fail'),
  offline: look('offline', 'quiet', 'quiet', false),
  banned: look('banned', 'poison', 'ban'),
} as const satisfies Record<string, Look>

/** The keyed state of a typed field. */
export const fieldStates = {
  SERVED: look('served', 'ok', 'ok', false),
  BUILDING: look('being built', 'wait', 'wait'),
  BEHIND: look('behind', 'wait', 'wait'),
  NOT_FOLDED: look('not folded', 'fail', 'fail'),
  FULL: look('full', 'fail', 'fail'),
  UNAVAILABLE: look('cannot be read', 'fail', 'fail'),
} as const satisfies Record<string, Look>

/** Shape, word and colour, always together. */
export function Status({ is, text }: { is: Look; text?: string | undefined }) {
  return (
    <span className={`st ${is.boxed ? 'box ' : ''}${is.tone}`}>
      <Icon name={is.icon} />
      {text ?? is.word}
    </span>
  )
}

/** Beside the outcome of a message of which a copy went to the quarantine. */
export function AlsoQuarantined({
  message,
  boxed = false,
}: {
  message: Parameters<typeof isAlsoQuarantined>[0]
  /** With its word. A row of a list has room for the icon only. */
  boxed?: boolean
}) {
  if (!isAlsoQuarantined(message)) return null
  const title = 'A copy went to the quarantine: it does not fit a typed field'
  return (
    <span className="also" title={title}>
      <Status is={{ ...outcomes.QUARANTINED, boxed }} text={boxed ? undefined : ''} />
      {!boxed && <span className="sr">and a copy in the quarantine</span>}
    </span>
  )
}
