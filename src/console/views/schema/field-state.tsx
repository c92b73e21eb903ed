import type { TypedFieldQuery, TypedFieldsQuery } from '../../api/generated/graphql.ts'
import { Copy } from '../../parts/copy.tsx'
import { Fact } from '../../parts/fact.tsx'
import { bytes, count, duration, none, plural, unknown } from '../../parts/format.ts'
import { fieldStates, Status } from '../../parts/status.tsx'

type Field = TypedFieldQuery['typedFields']['fields'][number]
type State = NonNullable<Field['state']>
type BriefState = NonNullable<TypedFieldsQuery['typedFields']['fields'][number]['state']>

/** As the alert WarrenStateLags has it. */
const behindMessages = 10_000

const sentences: Readonly<Record<keyof typeof fieldStates, string>> = {
  SERVED: 'A new subscriber gets the value of each key, then every change.',
  BUILDING: 'It is being built from the journal. Who asks for it waits up to 10 seconds, and then has to ask again.',
  BEHIND: 'Its fold is slower than the messages come, or it has just begun. Subscribers get the rest from the journal.',
  NOT_FOLDED:
    'No replica folds it, so it stays as it is while messages come. The logs of the replicas have the reason.',
  FULL: 'It has more than a field may have, so it is neither folded nor served. Raise WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES, or set keep in @state.',
  UNAVAILABLE: 'Its database cannot be read. The logs of the replicas have the reason.',
}

function lookOf({ status, replica, lag }: BriefState): keyof typeof fieldStates {
  if (status === 'UNAVAILABLE' || status === 'FULL') return status
  if (replica === null) return 'NOT_FOLDED'
  if (status === 'BUILDING') return status
  return (lag ?? 0) > behindMessages ? 'BEHIND' : 'SERVED'
}

/** What is wrong with the state of a field, in words. Undefined: nothing is. */
export function stateConcern(field: { readonly name: string; readonly state: BriefState | null }): string | undefined {
  const look = field.state ? lookOf(field.state) : 'SERVED'
  return look === 'SERVED' ? undefined : `the state of ${field.name} is ${fieldStates[look].word}`
}

/** In the list of fields: how many keys, or what is wrong. */
export function StateCell({ state }: { state: BriefState | null }) {
  if (!state) return <span className="faint">{none}</span>
  const look = lookOf(state)
  return look === 'SERVED' ? plural(state.keys ?? 0, 'key') : <Status is={fieldStates[look]} />
}

/** The keyed state of a field: what it holds, and who folds it. */
export function FieldState({ name, state }: { name: string; state: State }) {
  const look = lookOf(state)
  const { key, deleteOn, keepMs, keys, removedKeys, cursor, lag } = state
  return (
    <section className="panel" aria-labelledby="state-title">
      <header>
        <h2 id="state-title">State</h2>
        <span className="more">
          <Status is={fieldStates[look]} />
        </span>
      </header>
      <div className="pad stack">
        <p>{sentences[look]}</p>
        <dl className="kv">
          <Fact name="Keys">
            {count(keys)}
            {(removedKeys ?? 0) > 0 && `, and ${count(removedKeys)} removed that are kept for clients that come back`}
          </Fact>
          <Fact name="Size">{bytes(state.bytes)}</Fact>
          <Fact name="Folded by">{folderOf(state)}</Fact>
          <Fact name="Behind the journal">{lag === null ? unknown : plural(lag, 'message')}</Fact>
          <Fact name="Folded up to">{cursor === null ? none : <Copy value={cursor} label="the cursor" />}</Fact>
          <Fact name="Key of a message">{key}</Fact>
          <Fact name="Removed by">{deleteOn.length > 0 ? deleteOn.join(', ') : 'no event type'}</Fact>
          <Fact name="A key stays">{keepMs === null ? 'always' : `${duration(keepMs)} after its last message`}</Fact>
          <Fact name="Query">
            <code className="mono small">{name}State</code>
          </Fact>
        </dl>
      </div>
    </section>
  )
}

function folderOf({ status, replica }: State): string {
  return status === 'UNAVAILABLE' ? unknown : (replica ?? 'no replica')
}
