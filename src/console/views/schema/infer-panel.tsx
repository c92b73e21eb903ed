import { type FormEvent, useState } from 'react'
import { ExchangeNamesDocument, InferSchemaDocument } from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { copyText } from '../../parts/copy.tsx'
import { plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { Banner } from '../../parts/states.tsx'
import { NearNames, TextField } from '../../parts/text-field.tsx'
import { useParams } from '../../shell/router.tsx'
import { type Draft, DraftOutcome } from './draft-outcome.tsx'

const messagesRead = 200

/** Drafts SDL from recent messages of an exchange, and tries it on them. Nothing is served. */
export function InferPanel() {
  const [params, change] = useParams()
  const names = useQuery(ExchangeNamesDocument, {})
  const exchanges = [...new Set(names.data?.rabbitChannels.map(({ exchange }) => exchange) ?? [])].sort()
  const [exchange, setExchange] = useState(params.get('exchange') ?? '')
  const [routingKey, setRoutingKey] = useState('#')
  const [field, setField] = useState('')
  const [examples, setExamples] = useState(false)
  const [draft, setDraft] = useState<Draft>()
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<Failure>()
  const ask = async (sdl: string | null, of = exchange): Promise<void> => {
    setBusy(true)
    setFailure(undefined)
    try {
      const { inferSchema } = await execute(InferSchemaDocument, {
        exchange: of,
        routingKey: routingKey === '' ? '#' : routingKey,
        field: field === '' ? null : field,
        examples,
        sdl,
        first: messagesRead,
      })
      setDraft(inferSchema)
      if (sdl === null) setText(inferSchema.sdl ?? '')
      change({ exchange: of })
    } catch (error) {
      setFailure(error instanceof Failure ? error : new Failure('ERROR', String(error)))
    } finally {
      setBusy(false)
    }
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    void ask(null)
  }
  const edited = draft !== undefined && text !== draft.sdl
  return (
    <section className="panel infer" aria-labelledby="infer-title">
      <header>
        <h2 id="infer-title">Infer from an exchange</h2>
        <span className="more">reads the last {messagesRead} messages of the journal; nothing is served</span>
      </header>
      <form className="pad infer-form" onSubmit={submit}>
        <TextField id="infer-exchange" label="Exchange" value={exchange} onChange={setExchange} options={exchanges} />
        <TextField id="infer-key" label="Routing key" value={routingKey} onChange={setRoutingKey} />
        <TextField id="infer-field" label="Field, if not from the exchange" value={field} onChange={setField} />
        <label className="tick">
          <input type="checkbox" checked={examples} onChange={(event) => setExamples(event.target.checked)} />
          <span>Values of messages in comments</span>
        </label>
        <button className={`btn main-act ${busy ? 'busy' : ''}`} type="submit" disabled={busy || exchange === ''}>
          <Icon name="bulb" />
          Draft the SDL
        </button>
      </form>
      {failure && (
        <p className="pad small fail" role="alert">
          {failure.message}
        </p>
      )}
      {draft?.note && (
        <div className="pad">
          <Banner tone="wait" icon="warn">
            {draft.note}
            <NearNames
              names={draft.nearExchanges}
              choose={(name) => {
                setExchange(name)
                void ask(null, name)
              }}
            />
          </Banner>
        </div>
      )}
      {draft && draft.sdl !== null && (
        <div className="grid g-2 draft">
          <div className="pad stack">
            <div className="field">
              <label htmlFor="infer-sdl">Draft from {plural(draft.messages, 'message')}</label>
              <textarea
                id="infer-sdl"
                className="input mono draft-text"
                spellCheck={false}
                rows={Math.min(28, Math.max(10, text.split('\n').length + 1))}
                value={text}
                onChange={(event) => setText(event.target.value)}
              />
            </div>
            <div className="line-up">
              <button className="btn" type="button" onClick={() => void copyText(text, 'The draft was copied')}>
                <Icon name="copy" />
                Copy
              </button>
              <button className="btn" type="button" disabled={busy || !edited} onClick={() => void ask(text)}>
                <Icon name="repeat" />
                Try the edited SDL
              </button>
              {edited && <span className="small muted">The right side is of the text before.</span>}
            </div>
          </div>
          <DraftOutcome draft={draft} />
        </div>
      )}
    </section>
  )
}
