import { useState } from 'react'
import { TypedFieldsDocument, type TypedFieldsQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { count, plural, rate } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { Empty, FailureBanner, Head, SilentReplicas } from '../../parts/states.tsx'
import { useParams } from '../../shell/router.tsx'
import { SearchField } from '../clients/search-field.tsx'
import { From } from './binding.tsx'
import { FieldDetail } from './field-detail.tsx'
import { StateCell, stateConcern } from './field-state.tsx'
import { InferPanel } from './infer-panel.tsx'
import { SchemaSkeleton } from './schema-skeleton.tsx'
import { SchemaText } from './schema-text.tsx'
import { SchemaVersions } from './schema-versions.tsx'

type Field = TypedFieldsQuery['typedFields']['fields'][number]

const refreshMs = 5_000
/** More fields are searched. */
const fewFields = 8

const columns: readonly SortableColumn<Field>[] = [
  {
    id: 'field',
    head: 'Field',
    cell: ({ name, type }) => (
      <>
        <span className="mono">{name}</span> <span className="faint mono small">{type}</span>
      </>
    ),
    value: ({ name }) => name,
    isName: true,
  },
  {
    id: 'from',
    head: 'From',
    cell: ({ bindings }) => bindings.map((binding) => <From binding={binding} key={JSON.stringify(binding)} />),
    value: ({ bindings }) => bindings[0]?.exchange ?? '',
    className: 'hide-phone',
  },
  {
    id: 'subscribers',
    head: 'Subscribers',
    cell: ({ counts }) => count(counts.subscriptions),
    value: ({ counts }) => counts.subscriptions,
    className: 'num',
  },
  {
    id: 'messages',
    head: 'Messages',
    cell: ({ recent }) => `${rate(recent.receivedPerSecond)}/s`,
    value: ({ recent }) => recent.receivedPerSecond,
    className: 'num nowrap',
  },
  {
    id: 'bodies',
    head: 'Bodies',
    cell: ({ recent }) => <Bodies recent={recent} />,
    value: ({ recent }) => recent.mismatched,
    className: 'nowrap hide-phone',
  },
]

/** Only where a field has a state. */
const stateColumn: SortableColumn<Field> = {
  id: 'state',
  head: 'State',
  cell: ({ state }) => <StateCell state={state} />,
  value: ({ state }) => state?.keys ?? -1,
  className: 'num nowrap',
}
const columnsWithState = [...columns, stateColumn]

/** Which fields are there, from where, and who asks for them? */
export default function Schema() {
  const [params, change] = useParams()
  const answer = useQuery(TypedFieldsDocument, {}, { everyMs: refreshMs })
  const [reading, setReading] = useState(false)
  const infers = params.has('infer')
  const search = params.get('search') ?? ''
  const schema = answer.data?.typedFields
  const fields = (schema?.fields ?? []).filter((field) => isFound(field, search))
  const selected = params.get('field') ?? fields[0]?.name
  const chosen = fields.find(({ name }) => name === selected)
  const select = (field: Field | undefined): void => change({ field: field?.name })
  const infer = (
    <button
      className="btn main-act"
      type="button"
      aria-pressed={infers}
      onClick={() => change({ infer: infers ? undefined : '1', exchange: undefined })}
    >
      <Icon name="bulb" />
      Infer from an exchange
    </button>
  )
  const list = (
    <section className="panel" aria-label="Typed fields">
      {fields.length > 0 ? (
        <SortableTable
          label="Fields"
          columns={fields.some(({ state }) => state) ? columnsWithState : columns}
          rows={fields}
          keyOf={keyOf}
          selected={selected}
          onSelect={select}
          actions={{ select }}
        />
      ) : (
        <Empty
          title="No field matches"
          action={
            <button className="btn" type="button" onClick={() => change({ search: undefined })}>
              Show all fields
            </button>
          }
        >
          No field has “{search}” in its name, its type or its exchange.
        </Empty>
      )}
    </section>
  )
  return (
    <>
      <Head title="Schema" sub={schema ? sentence(schema) : 'Typed subscription fields: what each carries.'}>
        <button className="btn" type="button" onClick={() => setReading(true)}>
          <Icon name="schema" />
          Show the SDL
        </button>
        {infer}
      </Head>
      <FailureBanner answer={answer} what="The schema" />
      <SilentReplicas unanswered={schema?.unanswered ?? []} onAgain={answer.reload} />
      {schema && <SchemaVersions schema={schema} />}
      {infers && <InferPanel />}
      {!schema && answer.loading && <SchemaSkeleton />}
      {schema && schema.fields.length === 0 && <NoFields isConfigured={schema.hash !== null} />}
      {(schema?.fields.length ?? 0) > fewFields && (
        <div className="filters">
          <SearchField
            label="Search fields"
            placeholder="Field, type or exchange"
            value={search}
            onChange={(text) => change({ search: text })}
          />
        </div>
      )}
      {schema && schema.fields.length > 0 && (chosen ? <FieldDetail name={chosen.name}>{list}</FieldDetail> : list)}
      {reading && <SchemaText onClose={() => setReading(false)} />}
    </>
  )
}

const keyOf = ({ name }: Field): string => name

function isFound({ name, type, bindings }: Field, search: string): boolean {
  const text = [name, type, ...bindings.map(({ exchange, routingKey }) => `${exchange} ${routingKey}`)].join(' ')
  return text.toLowerCase().includes(search.toLowerCase())
}

function sentence({ fields, hash }: TypedFieldsQuery['typedFields']): string {
  if (hash === null) return 'This gateway has no typed fields yet.'
  const misfits = fields.filter(({ recent }) => recent.mismatched > 0)
  const all = plural(fields.length, 'typed field is', 'typed fields are')
  const each = misfits.map(({ name, recent }) => `${plural(recent.mismatched, 'message')} of ${name}`)
  const fit = each.length === 0 ? 'every recent message fits its type' : `${each.slice(0, 3).join(', ')} did not fit`
  return `${[`${all} served`, fit, ...fields.flatMap((field) => stateConcern(field) ?? []).slice(0, 3)].join('; ')}.`
}

function Bodies({ recent: { checked, mismatched } }: { recent: Field['recent'] }) {
  if (checked === 0) return <span className="faint">nothing recent</span>
  if (mismatched > 0)
    return (
      <span className="st box wait">
        <Icon name="warn" />
        {plural(mismatched, 'does', 'do')} not fit
      </span>
    )
  return (
    <span className="st ok">
      <Icon name="ok" />
      all fit
    </span>
  )
}

function NoFields({ isConfigured }: { isConfigured: boolean }) {
  const [, change] = useParams()
  return (
    <div className="panel">
      <Empty
        title={isConfigured ? 'The schema has no subscription field' : 'No typed fields yet'}
        action={
          <button className="btn" type="button" onClick={() => change({ infer: '1' })}>
            Draft a schema from messages
          </button>
        }
      >
        A typed field gives the messages of an exchange a GraphQL type, so that clients select what they need. Draft one
        here from recent messages, save it as a file such as <code>events.graphql</code>, and start the gateway with{' '}
        <code>WARREN_SCHEMA=events.graphql</code>. From then on SIGHUP reads the file again.
      </Empty>
    </div>
  )
}
