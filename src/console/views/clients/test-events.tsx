import type { ReactNode } from 'react'
import type { LiveState } from '../../api/use-subscription.ts'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'

/** Events that a test subscription keeps. */
export const maxEvents = 100
const maxPreview = 300

interface ShownEvent {
  readonly kind: string
  readonly cursor: string
  readonly exchange?: string | null
  readonly routingKey?: string | null
  readonly receivedAt: string
  readonly gap?: { readonly reason: string; readonly dropped?: number | null } | null
}

/** `children`: what the client received, as a text. */
export function EventRow({
  event: { kind, cursor, exchange, routingKey, receivedAt, gap },
  failed = false,
  children,
}: {
  event: ShownEvent
  failed?: boolean
  children: string
}) {
  if (kind === 'GAP') return <Notice text={gapText(gap)} />
  return (
    <li>
      <span className={failed ? 'fail' : 'ok'}>
        <Icon name={failed ? 'fail' : 'ok'} />
      </span>
      <div className="grow">
        <Link className="strong" to="trace" params={{ cursor }}>
          {exchange} <span className="mono small">{routingKey}</span>
        </Link>
        <p className="mono small cut">{children.slice(0, maxPreview)}</p>
      </div>
      <span className="when mono">
        <Time at={receivedAt} />
      </span>
    </li>
  )
}

function Notice({ text }: { text: string }) {
  return (
    <li>
      <span className="wait">
        <Icon name="warn" />
      </span>
      <div className="grow">
        <strong className="strong">{text}</strong>
      </div>
    </li>
  )
}

export function EventList({ children }: { children: ReactNode }) {
  return (
    <div className="panel">
      <ul className="rows" aria-label="Events, newest first">
        {children}
      </ul>
    </div>
  )
}

function gapText(gap: ShownEvent['gap']): string {
  const number = gap?.dropped ?? undefined
  const missing = number === undefined ? 'Events are missing' : `${plural(number, 'event is', 'events are')} missing`
  return `${missing}: ${(gap?.reason ?? '').toLowerCase().replaceAll('_', ' ')}`
}

export function stateText(state: LiveState, received: number): string {
  if (state === 'lost') return 'The connection is lost; trying again'
  if (state === 'connecting' && received === 0) return 'Waiting for events'
  if (state === 'paused') return 'Paused, because the page was hidden'
  if (state === 'refused') return 'Not allowed'
  return received > maxEvents ? `${count(received)} events, the last ${maxEvents}` : plural(received, 'event')
}
