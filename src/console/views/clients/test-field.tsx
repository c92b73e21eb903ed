import { type FormEvent, useRef, useState } from 'react'
import {
  TestFieldDocument,
  type TestFieldSubscription,
  type TestFieldSubscriptionVariables,
} from '../../api/generated/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { useSubscription } from '../../api/use-subscription.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner } from '../../parts/states.tsx'
import { EventList, EventRow, maxEvents, stateText } from './test-events.tsx'

type FieldEvent = TestFieldSubscription['testField']

interface Asked {
  readonly field: string
  readonly claims: unknown
}

/** What a typed field delivers to the client, at a position of its own. */
export function TestField({
  clientId,
  fields,
  onClose,
}: {
  clientId: string
  /** The names of the typed fields. At least one. */
  fields: readonly string[]
  onClose: () => void
}) {
  const [asked, setAsked] = useState<Asked>()
  const [mistake, setMistake] = useState<string>()
  const [events, setEvents] = useState<readonly FieldEvent[]>([])
  const [received, setReceived] = useState(0)
  const last = useRef<string>(undefined)
  const { state, failure } = useSubscription<TestFieldSubscription, TestFieldSubscriptionVariables>(
    TestFieldDocument,
    asked && { clientId, ...asked, reason: 'console' },
    ({ testField: event }) => {
      last.current = event.event.cursor
      // An empty state, or the cursor of an idle field.
      if (event.event.kind === 'CHECKPOINT') return
      setReceived((n) => n + 1)
      setEvents((before) => [event, ...before].slice(0, maxEvents))
    },
    // After a hidden page or a new token it continues where it was.
    () => (last.current === undefined ? {} : { after: last.current }),
  )
  const begin = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const given = (name: string) => {
      const text = form.get(name)
      return typeof text === 'string' ? text.trim() : ''
    }
    const claims = claimsIn(given('claims'))
    setMistake('mistake' in claims ? claims.mistake : undefined)
    if ('mistake' in claims) return
    last.current = undefined
    setEvents([])
    setReceived(0)
    const args = given('arguments')
    setAsked({ field: args === '' ? given('field') : `${given('field')}?${args}`, claims: claims.value })
  }
  return (
    <section className="stack" aria-label={`Test of a typed field as ${clientId}`}>
      <div className="line-up between nw">
        <h3>Typed field as this client</h3>
        <button className="btn ghost sm" type="button" onClick={onClose}>
          <Icon name="x" />
          End it
        </button>
      </div>
      <p className="small muted">
        What {clientId} would receive with these claims: conditions and rights are those of the client. For {clientId}{' '}
        nothing changes. The log has your name.
      </p>
      <form className="stack" onSubmit={begin}>
        <div className="grid g-2">
          <div className="field">
            <label htmlFor="test-field">Field</label>
            <select className="input mono" id="test-field" name="field">
              {fields.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </div>
          <div className="field">
            <label htmlFor="test-arguments">Arguments</label>
            <input
              className="input mono"
              id="test-arguments"
              name="arguments"
              placeholder="such as customerId=7&status=PAID"
              autoComplete="off"
              spellCheck={false}
            />
          </div>
        </div>
        <div className="field">
          <label htmlFor="test-claims">Claims of its token</label>
          <input
            className="input mono"
            id="test-claims"
            name="claims"
            placeholder='such as { "depots": ["north"] }'
            autoComplete="off"
            spellCheck={false}
            aria-invalid={mistake !== undefined}
            aria-describedby="test-claims-note"
          />
          <span className="small muted" id="test-claims-note">
            {mistake ?? `A JSON object, for fields with access by claims. “sub” is ${clientId}.`}
          </span>
        </div>
        <div className="line-up between">
          <button className="btn" type="submit">
            Subscribe
          </button>
          {asked && (
            <span className="small muted" role="status">
              {stateText(state, received)}
            </span>
          )}
        </div>
      </form>
      {failure && (
        <Banner tone="fail" icon="fail">
          <strong>The client would be refused, too.</strong> {failure.message}
        </Banner>
      )}
      {events.length > 0 && (
        <EventList>
          {events.map((one) => (
            <EventRow event={one.event} failed={one.error != null} key={`${one.event.kind} ${one.event.cursor}`}>
              {textOf(one)}
            </EventRow>
          ))}
        </EventList>
      )}
    </section>
  )
}

function textOf({ value, removedKey, error }: FieldEvent): string {
  if (error != null) return error
  const text = printJson(value).replaceAll(/\s+/g, ' ')
  return removedKey == null ? text : `removed ${removedKey}: ${text}`
}

function claimsIn(text: string): { readonly value: unknown } | { readonly mistake: string } {
  if (text === '') return { value: null }
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { value }
  } catch {
    // The same mistake.
  }
  return { mistake: 'Expected a JSON object, such as { "depots": ["north"] }' }
}
