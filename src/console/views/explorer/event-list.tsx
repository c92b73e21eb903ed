import { memo, useState, useSyncExternalStore } from 'react'
import { copyText } from '../../parts/copy.tsx'
import { count, duration, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Time } from '../../parts/time.tsx'
import type { EventLog, LoggedEvent, LogState } from './event-log.ts'

/** How many events are drawn at first, and with each press of the button. */
const drawn = 100

/** Every event of the subscription with its time, newest first. */
export function EventList({ log }: { log: EventLog }) {
  const current = useSyncExternalStore(log.listen, log.state)
  const [held, setHeld] = useState<LogState>()
  const [limit, setLimit] = useState(drawn)
  if (!current) return null
  const state = held ?? current
  const waiting = current.total - state.total
  return (
    <section className="explorer-events" aria-label="Events of the subscription">
      <header>
        <h2>{plural(current.total, 'event')}</h2>
        <span className={`st ${current.open ? 'ok' : 'quiet'}`}>
          <Icon name={current.open ? 'live' : 'pause'} />
          {held ? 'paused' : current.open ? 'subscribed' : 'ended'}
        </span>
        <span className="grow" />
        <button
          className="btn sm"
          type="button"
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held ? undefined : current)}
        >
          <Icon name={held ? 'play' : 'pause'} />
          {held ? 'Resume' : 'Pause'}
        </button>
        <button
          className="btn sm"
          type="button"
          onClick={() => {
            setHeld(undefined)
            setLimit(drawn)
            log.clear()
          }}
        >
          Clear
        </button>
        <button
          className="btn sm"
          type="button"
          disabled={state.events.length === 0}
          onClick={() => void copyText(asJson(state.events), 'All events copied')}
        >
          <Icon name="copy" />
          Copy all
        </button>
      </header>
      {waiting > 0 && (
        <button className="newbar" type="button" onClick={() => setHeld(undefined)}>
          <Icon name="up" />
          <span>{plural(waiting, 'newer event waits', 'newer events wait')}. Show all</span>
        </button>
      )}
      {/* A list that scrolls is reached by the keyboard. */}
      <ol tabIndex={0} aria-label="Events, newest first">
        {state.events.slice(0, limit).map((event) => (
          <Event event={event} key={event.number} />
        ))}
        {state.events.length === 0 && <li className="muted pad">Waiting for the first event.</li>}
        {state.events.length > limit && (
          <li className="pad">
            <button className="btn sm" type="button" onClick={() => setLimit(limit + drawn)}>
              Show {Math.min(drawn, state.events.length - limit)} older events
            </button>
          </li>
        )}
        {state.forgotten > 0 && (
          <li className="muted pad small">
            {count(state.forgotten)} older events are no longer kept. The page keeps the newest 1,000, and 8 MiB.
          </li>
        )}
      </ol>
    </section>
  )
}

const Event = memo(function Event({ event: { number, kind, at, sinceLast, text } }: { event: LoggedEvent }) {
  const isSentence = kind === 'end' || (kind === 'failure' && !text.startsWith('{'))
  return (
    <li className={kind}>
      <div className="line">
        <span className="faint num">{number}</span>
        <Time at={at} />
        {sinceLast !== undefined && <span className="muted">+{duration(sinceLast)}</span>}
        {(kind === 'errors' || kind === 'failure') && (
          <span className="st fail">
            <Icon name="fail" />
            {kind === 'errors' ? 'with errors' : 'failed'}
          </span>
        )}
        <span className="grow" />
        <button
          type="button"
          className="btn ghost icon sm"
          aria-label={`Copy event ${number}`}
          onClick={() => void copyText(text)}
        >
          <Icon name="copy" />
        </button>
      </div>
      {isSentence ? <p>{text}</p> : <pre>{text}</pre>}
    </li>
  )
})

/** Oldest first, with the times, and with the digits that were published. */
function asJson(events: readonly LoggedEvent[]): string {
  const items = events.toReversed().map(({ at, text, kind }) => {
    const value = kind === 'event' || kind === 'errors' || text.startsWith('{') ? text : JSON.stringify(text)
    return `{"at": ${JSON.stringify(at.toISOString())}, "result": ${value}}`
  })
  return `[\n${items.join(',\n')}\n]`
}
