import { type ReactNode, useState } from 'react'
import { TypedFieldDocument, type TypedFieldQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { SdlView } from '../../parts/code/sdl-view.tsx'
import { Fact } from '../../parts/fact.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { FailureBanner, Loading, PanelSkeleton, SilentReplicas } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'
import { From } from './binding.tsx'
import { FieldState } from './field-state.tsx'

type Field = TypedFieldQuery['typedFields']['fields'][number]

const refreshMs = 5_000
const firstSubscribers = 20
const moreSubscribers = 500

const invalidTexts = {
  QUARANTINE: 'goes to the quarantine',
  NULL: 'becomes null where it does not fit',
  DELIVER: 'gives clients an error',
} as const

/** A typed field beside the list of fields (`children`): what it is, and who uses it. */
export function FieldDetail({ name, children }: { name: string; children: ReactNode }) {
  const [first, setFirst] = useState(firstSubscribers)
  const answer = useQuery(TypedFieldDocument, { name, first }, { everyMs: refreshMs, keepsBefore: true })
  const field = answer.data?.typedFields.fields.find((one) => one.name === name)
  const isLoading = !field && answer.loading
  return (
    <div className="grid g-32">
      <div className="stack loose">
        {children}
        {isLoading && (
          <Loading>
            <PanelSkeleton rows={3} />
          </Loading>
        )}
        {field && field.recent.mismatches.length > 0 && <Mismatches field={field} key={name} />}
        {field?.state && <FieldState name={name} state={field.state} />}
        {field && (
          <Subscribers field={field} onMore={() => setFirst(moreSubscribers)} isAll={first > firstSubscribers} />
        )}
      </div>
      <div className="stack loose">
        <FailureBanner answer={answer} what={`The field ${name}`} />
        {isLoading && (
          <Loading>
            <PanelSkeleton rows={8} />
          </Loading>
        )}
        {field && <Definition field={field} />}
      </div>
    </div>
  )
}

function Definition({ field }: { field: Field }) {
  const { recent, counts } = field
  return (
    <section className="panel" aria-labelledby="field-title">
      <header>
        <h2 className="mono" id="field-title">
          {field.name}
        </h2>
        <span className="more mono">
          {field.file}:{field.line}
        </span>
      </header>
      <div className="pad stack">
        {field.description && <p>{field.description}</p>}
        <dl className="kv">
          <Fact name="From">
            {field.bindings.map((binding) => (
              <From binding={binding} key={JSON.stringify(binding)} />
            ))}
          </Fact>
          <Fact name="Who may subscribe">
            <Sentences of={field.access} />
          </Fact>
          {field.conditions.length > 0 && (
            <Fact name="Only messages where">
              <Sentences of={field.conditions} />
            </Fact>
          )}
          <Fact name="Last message">
            <Time at={recent.lastMessageAt} />
          </Fact>
          <Fact name="Recent messages">
            {count(recent.checked)} checked: {count(recent.fitting)} fit, {count(recent.excluded)} excluded,{' '}
            {count(recent.mismatched)} do not fit
          </Fact>
          <Fact name="Since the start">
            {count(counts.matched)} matched, {count(counts.delivered)} delivered, {count(counts.filtered)} excluded,{' '}
            {count(counts.invalid)} did not fit
          </Fact>
          <Fact name="What does not fit">{invalidTexts[field.invalid]}</Fact>
          <Fact name="A gap is">{field.gap}</Fact>
          <Fact name="History">{field.history ? <code className="mono small">{field.name}History</code> : 'none'}</Fact>
        </dl>
        {field.arguments.length > 0 && (
          <details>
            <summary>{plural(field.arguments.length, 'argument')}</summary>
            <dl className="kv">
              {field.arguments.map((argument) => (
                <Fact name={argument.name} key={argument.name}>
                  <code className="mono small">{argument.type}</code> {argument.meaning}
                </Fact>
              ))}
            </dl>
          </details>
        )}
        <SdlView title="SDL" text={field.sdl} />
        <div className="line-up">
          <Link className="btn sm" to="journal" params={{ exchange: field.bindings[0]?.exchange }}>
            <Icon name="journal" />
            Messages of {field.bindings[0]?.exchange}
          </Link>
        </div>
      </div>
    </section>
  )
}

function Sentences({ of }: { of: readonly string[] }) {
  return (
    <>
      {of.map((sentence) => (
        <span className="sentence" key={sentence}>
          {sentence}
        </span>
      ))}
    </>
  )
}

function Mismatches({ field: { recent } }: { field: Field }) {
  const [reason, setReason] = useState(recent.mismatches[0]?.reason)
  const chosen = recent.mismatches.find((one) => one.reason === reason) ?? recent.mismatches[0]
  return (
    <section className="panel" aria-labelledby="mismatch-title">
      <header>
        <h2 id="mismatch-title">What does not fit</h2>
        <span className="more">
          {count(recent.mismatched)} of {plural(recent.checked, 'recent message')}
        </span>
      </header>
      <ul className="rows">
        {recent.mismatches.map((one) => (
          <li key={one.reason}>
            <button
              type="button"
              className="row-button grow"
              aria-pressed={one === chosen}
              onClick={() => setReason(one.reason)}
            >
              <strong className="strong">{one.reason}</strong>
              <p>
                last at <Time at={one.lastAt} ms={false} />
              </p>
            </button>
            <span className="when">{count(one.count)}</span>
          </li>
        ))}
      </ul>
      {chosen && (
        <div className="pad stack">
          <BodyView text={chosen.sample.body.text} title={`A sample, offset ${count(chosen.sample.offset)}`} />
          <div className="line-up">
            <Link className="btn sm" to="trace" params={{ cursor: chosen.sample.cursor }}>
              <Icon name="trace" />
              Trace this one
            </Link>
          </div>
        </div>
      )}
    </section>
  )
}

function Subscribers({ field, onMore, isAll }: { field: Field; onMore: () => void; isAll: boolean }) {
  const { nodes, hasMore, withoutClient, unanswered } = field.subscribers
  return (
    <section className="panel" aria-labelledby="subscribers-title">
      <header>
        <h2 id="subscribers-title">Who subscribes</h2>
        <span className="more">{plural(field.counts.subscriptions, 'subscription')}</span>
      </header>
      <SilentReplicas unanswered={unanswered} />
      {nodes.length === 0 && withoutClient === 0 ? (
        <p className="pad muted">No client subscribes to it now.</p>
      ) : (
        <ul className="rows">
          {nodes.map(({ clientId, subscriptions, sessions, transports, delivered, pending }) => (
            <li key={clientId}>
              <div className="grow">
                <Link to="clients" params={{ client: clientId }}>
                  {clientId}
                </Link>
                <p>
                  {plural(subscriptions, 'subscription')} in {plural(sessions, 'session')} over {transports.join(', ')}
                  {pending > 0 && `, ${plural(pending, 'event waits', 'events wait')}`}
                </p>
              </div>
              <span className="when">{count(delivered)} delivered</span>
            </li>
          ))}
          {withoutClient > 0 && (
            <li>
              <div className="grow muted">Tokens without a client id, such as those of operators</div>
              <span className="when">{count(withoutClient)}</span>
            </li>
          )}
        </ul>
      )}
      {hasMore && (
        <div className="dlg-foot">
          <span className="small muted grow">Sorted by client id.</span>
          {!isAll && (
            <button className="btn sm" type="button" onClick={onMore}>
              Show more
            </button>
          )}
        </div>
      )}
    </section>
  )
}
