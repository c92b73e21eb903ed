import { type FormEvent, useState } from 'react'
import {
  type CreateRabbitChannelInput,
  CreateSourceDocument,
  PreviewSourceDocument,
} from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { Icon } from '../../parts/icon.tsx'
import { NearNames, TextField } from '../../parts/text-field.tsx'
import { usePaused } from '../../shell/find/use-paused.ts'
import { useChangeButton } from '../../shell/session.tsx'
import { toast } from '../../shell/toasts.tsx'
import {
  exchangeTypes,
  type FormProblem,
  hasKeys,
  inputOf,
  type KnownSource,
  keyOf,
  needsDetail,
  problemOf,
  problemOfFailure,
  type Rule,
  rulesFor,
  type SourceDraft,
  type SourceExchangeType,
  typeOfExchange,
} from './source-draft.ts'
import { SourcePreview } from './source-preview.tsx'

/** How long typing must pause before the rule is tried, in milliseconds. */
const pauseMs = 400
const previewed = 100

/** A new source, tried on recent messages as it is typed. */
export function SourceForm({
  given,
  sources,
  onMade,
}: {
  /** The exchange of the chosen source. */
  given: string
  sources: readonly KnownSource[]
  onMade: () => void
}) {
  const [exchange, setExchange] = useState(given)
  const [chosenType, setType] = useState<SourceExchangeType>('TOPIC')
  const [typedKey, setRoutingKey] = useState<string>()
  const [chosenRule, setRule] = useState<Rule>('key')
  const [detail, setDetail] = useState('')
  const [failure, setFailure] = useState<Failure>()
  const changeButton = useChangeButton()
  const knownType = typeOfExchange(exchange, sources)
  const type = knownType ?? chosenType
  const allowed = rulesFor(type)
  const [rule, , example] = allowed.find(([name]) => name === chosenRule) ?? allowed[0] ?? ['everyone', '', '']
  const draft: SourceDraft = { exchange, type, typedKey, rule, detail }
  const routingKey = keyOf(draft, knownType !== undefined)
  const input = inputOf(draft, routingKey)
  const tried = usePaused(JSON.stringify(inputOf(draft, routingKey, { orEveryone: true }) ?? null), pauseMs)
  const question = JSON.parse(tried) as CreateRabbitChannelInput | null
  const answer = useQuery(PreviewSourceDocument, question ? { input: question, first: previewed } : undefined, {
    keepsBefore: true,
  })
  const preview = answer.failure || !question ? undefined : answer.data?.preview
  const refused = failure ?? (question ? answer.failure : undefined)
  const problem = problemOf(draft, routingKey) ?? (refused && problemOfFailure(refused))
  const same = sources.filter((one) => one.exchange === exchange.trim() && one.routingKey === routingKey)
  const change =
    <Value,>(set: (value: Value) => void) =>
    (value: Value): void => {
      setFailure(undefined)
      set(value)
    }
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    if (!input) return
    setFailure(undefined)
    try {
      const { createRabbitChannel } = await execute(CreateSourceDocument, { input })
      toast(`${createRabbitChannel.madeExchange ? 'The exchange and the source were' : 'The source was'} made`)
      onMade()
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure('ERROR', String(error)))
    }
  }
  return (
    <form className="panel" aria-labelledby="new-source" onSubmit={(event) => void submit(event)}>
      <header>
        <h2 id="new-source">New source</h2>
        <span className="more">tried as you type</span>
      </header>
      <div className="pad stack">
        <TextField
          id="source-exchange"
          label="Exchange"
          value={exchange}
          onChange={change(setExchange)}
          options={[...new Set(sources.map((one) => one.exchange))]}
          describedBy="source-exists"
        >
          {preview?.exists === false && (
            <div className="err" id="source-exists">
              <Icon name="warn" />
              <span>
                There is no exchange “{preview.exchange}”; it would be made.
                <NearNames names={preview.nearExchanges} choose={setExchange} />
              </span>
            </div>
          )}
          <ProblemText problem={problem} place="exchange" />
        </TextField>
        {knownType === undefined ? (
          <div className="field">
            <span className="label" id="source-type">
              Type, if the exchange is made
            </span>
            <div className="seg" role="group" aria-labelledby="source-type">
              {exchangeTypes.map((one) => (
                <button type="button" aria-pressed={one === type} onClick={() => change(setType)(one)} key={one}>
                  {one.toLowerCase()}
                </button>
              ))}
            </div>
          </div>
        ) : (
          <p className="small muted">
            It is a {type.toLowerCase()} exchange{!hasKeys(type) && ', which ignores routing keys'}.
          </p>
        )}
        {hasKeys(type) && (
          <TextField id="source-key" label="Routing key" value={routingKey} onChange={change(setRoutingKey)}>
            <ProblemText problem={problem} place="key" />
            {type === 'TOPIC' && (
              <span className="hint">
                <code>*</code> one word, <code>#</code> any number, <code>{'{clientId}'}</code> the word that names the
                client
              </span>
            )}
            {same.length > 0 && (
              <span className="hint">
                There is a source with this exchange and key: {same.map((one) => one.rule).join('; ')}.
              </span>
            )}
          </TextField>
        )}
        <div className="field">
          <label htmlFor="source-rule">Which client is a message for?</label>
          <select
            id="source-rule"
            className="input"
            value={rule}
            onChange={(event) => change(setRule)(event.target.value as Rule)}
          >
            {allowed.map(([name, words]) => (
              <option value={name} key={name}>
                {words}
              </option>
            ))}
          </select>
          {needsDetail(rule) && (
            <input
              className="input mono"
              aria-label="Where"
              placeholder={`such as ${example}`}
              autoComplete="off"
              spellCheck={false}
              value={detail}
              onChange={(event) => change(setDetail)(event.target.value)}
            />
          )}
          <ProblemText problem={problem} place="rule" />
        </div>
        <ProblemText problem={problem} place="form" />
      </div>
      {preview && <SourcePreview preview={preview} isLook={input === undefined} />}
      <div className="dlg-foot">
        <button className="btn main-act" type="submit" disabled={!input || problem !== undefined} {...changeButton}>
          {preview?.exists === false ? 'Make exchange and source' : 'Make the source'}
        </button>
      </div>
    </form>
  )
}

/** What is wrong, below the field that it is about. */
function ProblemText({ problem, place }: { problem: FormProblem | undefined; place: FormProblem['place'] }) {
  if (problem?.place !== place) return null
  return (
    <div className="err" role="alert">
      <Icon name="warn" />
      <span>{problem.text}</span>
    </div>
  )
}
