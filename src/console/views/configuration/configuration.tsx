import { ConfigurationDocument, type ConfigurationQuery } from '../../api/generated/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { copyText } from '../../parts/copy.tsx'
import { count, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { type SortableColumn, SortableTable } from '../../parts/lists/sortable-table.tsx'
import { useRowKeys } from '../../parts/lists/use-row-keys.ts'
import { Empty, FailureBanner, Head, Loading, PanelSkeleton, SilentReplicas } from '../../parts/states.tsx'
import { Time } from '../../parts/time.tsx'
import { useParams } from '../../shell/router.tsx'
import { SearchField } from '../clients/search-field.tsx'
import { Masked, OptionDetail } from './option-detail.tsx'
import { groupsOf, type OptionFilter, optionFilters, type ShownOption } from './option-filter.ts'
import { originText } from './option-origin.ts'

const refreshMs = 10_000

const chips: readonly (readonly [OptionFilter, string])[] = [
  ['set', 'Set'],
  ['derived', 'Derived'],
  ['differs', 'Differs'],
  ['restart', 'Needs a restart'],
]

const columns: readonly SortableColumn<ShownOption>[] = [
  { id: 'name', head: 'Option', cell: ({ name }) => name, className: 'mono small c-option', isName: true },
  { id: 'value', head: 'Value', cell: (option) => <Value option={option} />, className: 'c-value' },
  { id: 'origin', head: 'From', cell: originText, className: 'small muted c-origin hide-phone' },
]

/** What applies, where did it come from, and do the replicas agree? */
export default function Configuration() {
  const [params, change] = useParams()
  const answer = useQuery(ConfigurationDocument, {}, { everyMs: refreshMs })
  const search = params.get('search') ?? ''
  const only = chips.find(([name]) => name === params.get('only'))?.[0]
  const options = answer.data?.configuration.options ?? []
  const groups = groupsOf(options, { search, only })
  const shown = groups.flatMap(([, rows]) => rows)
  const selected = params.get('option') ?? undefined
  const chosen = options.find(({ name }) => name === selected)
  const select = (option: ShownOption | undefined): void => change({ option: option?.name })
  useRowKeys({ rows: shown, keyOf, selected, select })
  return (
    <>
      <Head title="Configuration" sub={answer.data ? sentence(answer.data.configuration) : 'Asking the replicas.'}>
        <button
          className="btn"
          type="button"
          disabled={options.length === 0}
          onClick={() => void copyText(asEnvironment(options), 'The configuration was copied, without secrets')}
        >
          <Icon name="copy" />
          Copy as environment
        </button>
      </Head>
      <div className="filters">
        <SearchField
          label="Search options"
          placeholder="Name, value, or what it does"
          value={search}
          onChange={(text) => change({ search: text })}
        />
        <div className="chips" role="group" aria-label="Show only">
          {chips.map(([name, title]) => (
            <button
              className="chip"
              type="button"
              aria-pressed={only === name}
              onClick={() => change({ only: only === name ? undefined : name })}
              key={name}
            >
              {title} <span className="n">{answer.data ? count(options.filter(optionFilters[name]).length) : ''}</span>
            </button>
          ))}
        </div>
      </div>
      <FailureBanner answer={answer} what="The configuration" />
      <SilentReplicas unanswered={answer.data?.configuration.unanswered ?? []} onAgain={answer.reload} />
      {!answer.data && answer.loading && (
        <Loading>
          <div className="stack loose">
            <PanelSkeleton rows={6} />
            <PanelSkeleton rows={6} />
          </div>
        </Loading>
      )}
      {answer.data && groups.length === 0 && (
        <div className="panel">
          <Empty
            title="No option matches"
            action={
              <button className="btn" type="button" onClick={() => change({ search: undefined, only: undefined })}>
                Show all options
              </button>
            }
          >
            {search === '' ? 'No option is like that now.' : `No option has “${search}” in its name, value or meaning.`}
          </Empty>
        </div>
      )}
      <div className="stack loose">
        {groups.map(([group, rows]) => (
          <section className="panel" aria-label={group} key={group}>
            <header>
              <h2>{group}</h2>
              <span className="more">{plural(rows.length, 'option')}</span>
            </header>
            <SortableTable
              label={`${group}: options`}
              columns={columns}
              rows={rows}
              keyOf={keyOf}
              selected={selected}
              onSelect={select}
              className="cols-options"
            />
          </section>
        ))}
      </div>
      {answer.at && (
        <p className="small faint mt">
          Of {answer.data?.configuration.replicas[0]}, asked at <Time at={answer.at} ms={false} />. Secrets never leave
          the gateway.
        </p>
      )}
      {chosen && <OptionDetail option={chosen} onClose={() => select(undefined)} />}
    </>
  )
}

const keyOf = ({ name }: ShownOption): string => name

function sentence({ options, replicas }: ConfigurationQuery['configuration']): string {
  const set = options.filter(optionFilters.set).length
  const differing = options.filter(optionFilters.differs).map(({ name }) => name)
  const waiting = options.filter(optionFilters.restart).length
  const agreement =
    differing.length > 0
      ? `replicas differ in ${differing.slice(0, 3).join(', ')}${differing.length > 3 ? ` and ${differing.length - 3} more` : ''}`
      : replicas.length > 1
        ? `all ${replicas.length} replicas that answered agree`
        : 'one replica answered'
  const restart = waiting === 0 ? '' : ` ${plural(waiting, 'new value needs', 'new values need')} a restart.`
  return `${plural(set, 'option is', 'options are')} set, ${options.length - set} have their defaults; ${agreement}.${restart}`
}

function Value({ option }: { option: ShownOption }) {
  const { value, secret, unset, differs, mayDiffer, needsRestart, replicas } = option
  return (
    <span className="line-up option-value">
      {value === null ? (
        <span className="muted small">{unset ?? 'not set'}</span>
      ) : secret && value === '***' ? (
        <Masked />
      ) : (
        <span className="mono small">{value}</span>
      )}
      {differs && mayDiffer && <span className="faint small">one for each replica</span>}
      {differs && !mayDiffer && (
        <span className="st box wait">
          <Icon name="warn" />
          differs
        </span>
      )}
      {(needsRestart || replicas.some((one) => one.needsRestart)) && (
        <span className="st box wait">
          <Icon name="repeat" />
          needs a restart
        </span>
      )}
    </span>
  )
}

/** What was set, as lines of an environment file. Masked values are comments. */
function asEnvironment(options: readonly ShownOption[]): string {
  return options
    .filter(({ origin }) => origin !== 'DEFAULT' && origin !== 'DERIVED')
    .map(({ name, value }) => `${value?.includes('***') ? '# ' : ''}${name}=${value ?? ''}\n`)
    .join('')
}
