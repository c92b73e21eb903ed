import { type FormEvent, useState } from 'react'
import {
  type CreateRabbitChannelInput,
  CreateSourceDocument,
  PreviewSourceDocument,
} from '../../api/generated/graphql.ts'
import { execute, Failure } from '../../api/graphql.ts'
import { useQuery } from '../../api/use-query.ts'
import { Bar } from '../../parts/figures/figures.tsx'
import { plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { outcomes, Status } from '../../parts/status.tsx'
import { NearNames, TextField } from '../../parts/text-field.tsx'
import { usePaused } from '../../shell/find.tsx'
import { useChangeButton } from '../../shell/session.tsx'
import { toast } from '../../shell/toasts.tsx'

const exchangeTypes = ['TOPIC', 'DIRECT', 'FANOUT', 'HEADERS'] as const
const rules = [
  ['key', 'The word {clientId} of the routing key', ''],
  ['bodyPointer', 'A place in the JSON body', '/customer/id'],
  ['header', 'A header', 'x-client'],
  ['fixed', 'Always the same client', 'alice'],
  ['everyone', 'Everyone', ''],
] as const
type Rule = (typeof rules)[number][0]

/** How long typing must pause before the rule is tried, in milliseconds. */
const pauseMs = 400
const previewed = 100
/** Rows of the preview, and how many of them may be messages without a client. */
const shownRows = 8
const maxMissed = 5

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
  const [type, setType] = useState<(typeof exchangeTypes)[number]>('TOPIC')
  const [typedKey, setRoutingKey] = useState<string>()
  const [rule, setRule] = useState<Rule>('key')
  const routingKey = typedKey ?? (rule === 'key' ? 'client.{clientId}' : '#')
  const [detail, setDetail] = useState('')
  const [failure, setFailure] = useState<Failure>()
  const changeButton = useChangeButton()
  const input = inputOf({ exchange, type, routingKey, rule, detail })
  const tried = usePaused(JSON.stringify(input ?? null), pauseMs)
  const question = JSON.parse(tried) as CreateRabbitChannelInput | null
  const answer = useQuery(PreviewSourceDocument, question ? { input: question, first: previewed } : undefined)
  const preview = answer.failure || !question ? undefined : answer.data?.preview
  const wrong = failure ?? (question ? answer.failure : undefined)
  const namedTwice = rule !== 'key' && routingKey.includes('{clientId')
  const same = sources.filter((one) => one.exchange === exchange.trim() && one.routingKey === routingKey)
  const needsDetail = rule !== 'key' && rule !== 'everyone'
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
          onChange={setExchange}
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
        </TextField>
        <div className="field">
          <span className="label" id="source-type">
            Type, if the exchange is made
          </span>
          <div className="seg" role="group" aria-labelledby="source-type">
            {exchangeTypes.map((one) => (
              <button type="button" aria-pressed={one === type} onClick={() => setType(one)} key={one}>
                {one.toLowerCase()}
              </button>
            ))}
          </div>
        </div>
        <TextField id="source-key" label="Routing key" value={routingKey} onChange={setRoutingKey}>
          <span className="hint">
            <code>*</code> one word, <code>#</code> any number, <code>{'{clientId}'}</code> the word that names the
            client
          </span>
          {namedTwice && (
            <div className="err">
              <Icon name="warn" />
              <span>
                The key names the client already. Write <code>*</code> or <code>#</code> in its place, or take the word
                of the key below.
              </span>
            </div>
          )}
          {same.length > 0 && (
            <span className="hint">
              There is a source with this exchange and key: {same.map((one) => one.rule).join('; ')}.
            </span>
          )}
        </TextField>
        <div className="field">
          <label htmlFor="source-rule">Which client is a message for?</label>
          <select
            id="source-rule"
            className="input"
            value={rule}
            onChange={(event) => setRule(event.target.value as Rule)}
          >
            {rules.map(([name, words]) => (
              <option value={name} key={name}>
                {words}
              </option>
            ))}
          </select>
          {needsDetail && (
            <input
              className="input mono"
              aria-label="Where"
              placeholder={rules.find(([name]) => name === rule)?.[2]}
              value={detail}
              onChange={(event) => setDetail(event.target.value)}
            />
          )}
        </div>
        {wrong && !namedTwice && (
          <p className="small fail" role="alert">
            {wrong.message}
          </p>
        )}
      </div>
      {preview && <Preview preview={preview} />}
      <div className="dlg-foot">
        <button
          className="btn main-act"
          type="submit"
          disabled={!input || namedTwice || wrong !== undefined}
          {...changeButton}
        >
          {preview?.exists === false ? 'Make exchange and source' : 'Make the source'}
        </button>
      </div>
    </form>
  )
}

function inputOf(form: {
  exchange: string
  type: (typeof exchangeTypes)[number]
  routingKey: string
  rule: Rule
  detail: string
}): CreateRabbitChannelInput | undefined {
  const { exchange, type, routingKey, rule, detail } = form
  if (exchange.trim() === '') return undefined
  if (rule !== 'key' && rule !== 'everyone' && detail.trim() === '') return undefined
  const clientId = rule === 'key' ? null : rule === 'everyone' ? { everyone: true } : { [rule]: detail.trim() }
  const base = { exchange: exchange.trim(), exchangeType: type, routingKey, buffered: false }
  return (clientId === null ? base : { ...base, clientId }) as CreateRabbitChannelInput
}

/** As much of a source as tells whether a new one is like it. */
interface KnownSource {
  readonly exchange: string
  readonly routingKey: string
  readonly rule: string
}

interface PreviewAnswer {
  readonly exchange: string
  readonly matched: number
  readonly distinctClients: number
  readonly note: string | null
  readonly messages: readonly {
    readonly clients: readonly string[]
    readonly everyone: boolean
    readonly reason: string
    readonly message: { readonly cursor: string; readonly routingKey: string }
  }[]
}

function Preview({ preview }: { preview: PreviewAnswer }) {
  const { messages, matched, distinctClients, note, exchange } = preview
  if (messages.length === 0)
    return (
      <div className="pad preview small muted">
        {note ?? `The journal has no message of “${exchange}” to try it on.`}
      </div>
    )
  const share = matched / messages.length
  // Messages without a client come first: they are what a rule is mended for.
  const found = messages.filter(({ clients, everyone }) => everyone || clients.length > 0)
  const missed = messages.filter((message) => !found.includes(message))
  const shown = [...missed.slice(0, maxMissed), ...found].slice(0, shownRows)
  return (
    <>
      <div className="pad preview" role="status">
        <h3>
          The last {plural(messages.length, 'message')} of {exchange}
        </h3>
        <Bar
          parts={[
            { tone: 'ok', share },
            { tone: 'lostid', share: 1 - share },
          ]}
          label={`${matched} find a client`}
        />
        <p className="small muted">
          {matched} find a client, {plural(distinctClients, 'different one', 'different ones')};{' '}
          {messages.length - matched} find none.
        </p>
        {note !== null && <p className="small muted">{note}</p>}
      </div>
      <table className="tight">
        <tbody>
          {shown.map(({ message, clients, everyone, reason }) => (
            <tr key={message.cursor}>
              <td className="mono small cut">{message.routingKey}</td>
              <td>
                {everyone || clients.length > 0 ? (
                  <Status is={outcomes.DELIVERED} text={everyone ? 'everyone' : clients.join(', ')} />
                ) : (
                  <span title={reason}>
                    <Status is={outcomes.UNMATCHED} text={reason.slice(0, 40)} />
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
