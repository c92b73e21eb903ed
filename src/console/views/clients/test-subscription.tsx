import { type FormEvent, useRef, useState } from 'react'
import { TestSubscriptionDocument, type TestSubscriptionSubscription } from '../../api/generated/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { type LiveState, useSubscription } from '../../api/use-subscription.ts'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'

type ChannelEvent = TestSubscriptionSubscription['testSubscription']

/** Events that the page keeps. */
const maxEvents = 100
const maxPreview = 300

/** What the client's channel delivers, at a position of its own: the client keeps its position. */
export function TestSubscription({
  clientId,
  position,
  grants,
  banned,
  onClose,
}: {
  clientId: string
  /** Of the client, to read from there instead of from now on. */
  position: string | null
  /** The patterns of other channels that its open sessions may read. */
  grants: readonly string[]
  banned: boolean
  onClose: () => void
}) {
  /** The cursor that it began after; null: it began with what came next. */
  const [start, setStart] = useState<string | null>(null)
  /** Null: its own. */
  const [channel, setChannel] = useState<string | null>(null)
  const [events, setEvents] = useState<readonly ChannelEvent[]>([])
  const [received, setReceived] = useState(0)
  const last = useRef<string>(undefined)
  const { state, failure } = useSubscription(
    TestSubscriptionDocument,
    { clientId, channel, after: start, reason: 'console' },
    ({ testSubscription: event }) => {
      last.current = event.cursor
      setReceived((n) => n + 1)
      setEvents((before) => [event, ...before].slice(0, maxEvents))
    },
    // After a hidden page or a new token it continues where it was.
    () => (last.current === undefined ? {} : { after: last.current }),
  )
  const begin = (after: string | null, of = channel): void => {
    last.current = undefined
    setEvents([])
    setReceived(0)
    setStart(after)
    setChannel(of)
  }
  const choose = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const given = new FormData(event.currentTarget).get('channel')
    const name = typeof given === 'string' ? given.trim() : ''
    begin(null, name === '' || name === clientId ? null : name)
  }
  return (
    <section className="stack" aria-label={`Test subscription as ${clientId}`}>
      <div className="line-up between nw">
        <h3>Test subscription</h3>
        <button className="btn ghost sm" type="button" onClick={onClose}>
          <Icon name="x" />
          End it
        </button>
      </div>
      <p className="small muted">
        What {clientId} receives{channel !== null && ` on ${channel}`}, read at another position: for {clientId} nothing
        changes. The log has your name.
      </p>
      {banned && (
        <Banner tone="wait" icon="ban">
          {clientId} is banned: it receives none of this until the ban is lifted.
        </Banner>
      )}
      {failure && (
        <Banner tone="fail" icon="fail">
          <strong>The channel cannot be read.</strong> {failure.message}
        </Banner>
      )}
      {grants.length > 0 && (
        <form className="field" onSubmit={choose}>
          <label htmlFor="test-channel">Channel</label>
          <div className="line-up nw">
            <input
              className="input mono grow"
              id="test-channel"
              name="channel"
              autoComplete="off"
              spellCheck={false}
              defaultValue={clientId}
              aria-describedby="test-grants"
            />
            <button className="btn" type="submit">
              Read it
            </button>
          </div>
          <span className="small muted" id="test-grants">
            Its sessions may also read <span className="mono">{grants.join(', ')}</span>.
          </span>
        </form>
      )}
      <div className="line-up between">
        <div className="seg" role="group" aria-label="Where it begins">
          <button type="button" aria-pressed={start === null} onClick={() => begin(null)}>
            from now on
          </button>
          <button
            type="button"
            aria-pressed={start !== null}
            disabled={position === null || channel !== null}
            title={position === null ? 'The client has taken no event yet' : undefined}
            onClick={() => begin(position)}
          >
            after its position
          </button>
        </div>
        <span className="small muted" role="status">
          {stateText(state, received)}
        </span>
      </div>
      {events.length > 0 && (
        <div className="panel">
          <ul className="rows" aria-label="Events, newest first">
            {events.map((event) => (
              <EventRow event={event} key={`${event.kind} ${event.cursor}`} />
            ))}
          </ul>
        </div>
      )}
    </section>
  )
}

function EventRow({ event }: { event: ChannelEvent }) {
  const { kind, cursor, data, routingKey, exchange, receivedAt, gap } = event
  if (kind === 'GAP')
    return (
      <li>
        <span className="wait">
          <Icon name="warn" />
        </span>
        <div className="grow">
          <strong className="strong">{gapText(gap)}</strong>
        </div>
      </li>
    )
  return (
    <li>
      <span className="ok">
        <Icon name="ok" />
      </span>
      <div className="grow">
        <Link className="strong" to="trace" params={{ cursor }}>
          {exchange} <span className="mono small">{routingKey}</span>
        </Link>
        <p className="mono small cut">{printJson(data).replaceAll(/\s+/g, ' ').slice(0, maxPreview)}</p>
      </div>
      <span className="when mono">
        <Time at={receivedAt} />
      </span>
    </li>
  )
}

function gapText(gap: ChannelEvent['gap']): string {
  const number = gap?.dropped ?? undefined
  const missing = number === undefined ? 'Events are missing' : `${plural(number, 'event is', 'events are')} missing`
  return `${missing}: ${(gap?.reason ?? '').toLowerCase().replaceAll('_', ' ')}`
}

function stateText(state: LiveState, received: number): string {
  if (state === 'lost') return 'The connection is lost; trying again'
  if (state === 'connecting' && received === 0) return 'Waiting for events'
  if (state === 'paused') return 'Paused, because the page was hidden'
  if (state === 'refused') return 'Not allowed'
  return received > maxEvents ? `${count(received)} events, the last ${maxEvents}` : plural(received, 'event')
}
