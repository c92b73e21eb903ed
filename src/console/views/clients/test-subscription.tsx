import { type FormEvent, useRef, useState } from 'react'
import { TestSubscriptionDocument, type TestSubscriptionSubscription } from '../../api/generated/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { useSubscription } from '../../api/use-subscription.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner } from '../../parts/states.tsx'
import { EventList, EventRow, maxEvents, stateText } from './test-events.tsx'

type ChannelEvent = TestSubscriptionSubscription['testSubscription']

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
        <EventList>
          {events.map((event) => (
            <EventRow event={event} key={`${event.kind} ${event.cursor}`}>
              {printJson(event.data).replaceAll(/\s+/g, ' ')}
            </EventRow>
          ))}
        </EventList>
      )}
    </section>
  )
}
