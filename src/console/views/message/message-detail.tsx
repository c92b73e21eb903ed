import { Tabs } from 'radix-ui'
import { type EntryFragment, MessageDocument, type MessageQuery } from '../../api/generated/graphql.ts'
import { printJson } from '../../api/lossless.ts'
import { useQuery } from '../../api/use-query.ts'
import { BodyView } from '../../parts/code/body-view.tsx'
import { Copy, copyText } from '../../parts/copy.tsx'
import { CloseButton } from '../../parts/dialog.tsx'
import { Fact } from '../../parts/fact.tsx'
import { bytes, count, duration, none, plural } from '../../parts/format.ts'
import { Icon } from '../../parts/icon.tsx'
import { outcomeOf } from '../../parts/outcome.ts'
import { FailureBanner, Loading } from '../../parts/states.tsx'
import { AlsoQuarantined, outcomes, Status } from '../../parts/status.tsx'
import { Time } from '../../parts/time.tsx'
import { Link } from '../../shell/router.tsx'

type Loaded = NonNullable<MessageQuery['message']>

/** One message: body, headers, and what became of it. Reading changes nothing. */
export function MessageDetail({
  entry,
  onClose,
}: {
  entry: Pick<EntryFragment, 'cursor'> & Partial<EntryFragment>
  onClose: () => void
}) {
  const answer = useQuery(MessageDocument, { cursor: entry.cursor })
  const loaded = answer.data?.message?.cursor === entry.cursor ? answer.data.message : undefined
  const shown = loaded ?? entry
  const title = shown.messageId ?? shown.routingKey ?? 'message'
  return (
    <aside className="detail" aria-label="The chosen message">
      <header>
        <div className="line-up between nw">
          <h2 className="mono cut" title={title}>
            {title}
          </h2>
          <CloseButton label="Close the detail" onClick={onClose} />
        </div>
        {loaded && (
          <div className="line-up">
            <Status is={{ ...outcomes[outcomeOf(loaded)], boxed: true }} />
            <AlsoQuarantined message={loaded} boxed />
            <span className="muted small">{clientsText(loaded)}</span>
          </div>
        )}
      </header>
      <FailureBanner answer={answer} what="The message" />
      {!loaded && answer.loading && (
        <Loading>
          <section className="stack">
            <span className="skel w3" />
            <span className="skel w2" />
            <span className="skel w1" />
          </section>
        </Loading>
      )}
      {answer.data && answer.data.message === null && (
        <section className="muted">The journal no longer contains this message.</section>
      )}
      {loaded && <Parts message={loaded} />}
    </aside>
  )
}

function Parts({ message }: { message: Loaded }) {
  const headers = Object.entries(message.headers as Record<string, unknown>)
  return (
    <>
      <Tabs.Root defaultValue="body">
        <Tabs.List className="tabs" aria-label="Message">
          <Tabs.Trigger value="body">Body</Tabs.Trigger>
          <Tabs.Trigger value="headers">
            Headers <span className="faint">{headers.length}</span>
          </Tabs.Trigger>
          <Tabs.Trigger value="way">Way</Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content value="body" tabIndex={-1}>
          <section>
            <BodyView
              text={message.body.text}
              title={`${message.contentType ?? 'no content type'}, ${bytes(message.bytes)}`}
              note={
                message.body.truncated
                  ? 'The body is longer; its beginning is shown.'
                  : 'Numbers are shown exactly as published.'
              }
            />
          </section>
          <section>
            <Facts message={message} />
          </section>
        </Tabs.Content>
        <Tabs.Content value="headers" tabIndex={-1}>
          <section>
            {headers.length === 0 && message.appId === null && <p className="muted">The message has no headers.</p>}
            <dl className="kv">
              {message.appId && <Fact name="app-id">{message.appId}</Fact>}
              {headers.map(([name, value]) => (
                <Fact name={name} key={name}>
                  <span className="mono">{typeof value === 'string' ? value : printJson(value)}</span>
                </Fact>
              ))}
            </dl>
          </section>
        </Tabs.Content>
        <Tabs.Content value="way" tabIndex={-1}>
          <section>
            <Way message={message} />
          </section>
        </Tabs.Content>
      </Tabs.Root>
      <section>
        <div className="line-up">
          <Link className="btn main-act" to="trace" params={{ cursor: message.cursor }}>
            <Icon name="trace" />
            Trace
          </Link>
          <Link className="btn" to="journal" params={{ cursor: message.cursor }}>
            <Icon name="journal" />
            Around it
          </Link>
          {message.reason !== null && (
            <Link className="btn" to="quarantine" params={{ offset: String(message.offset) }}>
              <Icon name="poison" />
              In the quarantine
            </Link>
          )}
          <button className="btn ghost" type="button" onClick={() => void copyText(printJson(message))}>
            <Icon name="copy" />
            Copy as JSON
          </button>
        </div>
      </section>
    </>
  )
}

/** Where it is, and when. */
export function Facts({ message }: { message: Loaded }) {
  const { publishedAt, receivedAt } = message
  const late = publishedAt && receivedAt ? new Date(receivedAt).getTime() - new Date(publishedAt).getTime() : undefined
  return (
    <dl className="kv">
      <Fact name="Exchange">{message.exchange}</Fact>
      <Fact name="Routing key">
        <Copy value={message.routingKey} label="the routing key">
          {message.routingKey}
        </Copy>
      </Fact>
      <Fact name="Message id">
        {message.messageId ? (
          <Copy value={message.messageId} label="the message id">
            {message.messageId}
          </Copy>
        ) : (
          <span className="faint">none</span>
        )}
      </Fact>
      {message.type && <Fact name="Type">{message.type}</Fact>}
      <Fact name="Published">
        <Time at={publishedAt} /> {publishedAt && <span className="faint">by its publisher’s clock</span>}
      </Fact>
      <Fact name="Received">
        <Time at={receivedAt} /> {late !== undefined && late >= 0 && <span className="faint">+{duration(late)}</span>}
      </Fact>
      <Fact name="Offset">
        <Copy value={String(message.offset)} label="the offset">
          {count(message.offset)}
        </Copy>
      </Fact>
      <Fact name="Cursor">
        <Copy value={message.cursor} label="the cursor" />
      </Fact>
    </dl>
  )
}

function Way({ message }: { message: Loaded }) {
  const { matched, delivered, dropped, pending, fields, sourceReasons } = message
  return (
    <div className="stack">
      <p>{message.explanation}</p>
      <dl className="kv">
        <Fact name="Clients">{clientsText(message)}</Fact>
        <Fact name="Subscriptions">
          {plural(matched, 'matched', 'matched')}, {count(delivered)} delivered, {count(pending)} waiting,{' '}
          {count(dropped)} dropped
        </Fact>
        {sourceReasons.map(({ source, name, reason }) => (
          <Fact name={name} key={source}>
            {reason}
          </Fact>
        ))}
        {fields.map(({ field, outcome, detail }) => (
          <Fact name={`Field ${field}`} key={field}>
            {outcome.toLowerCase().replaceAll('_', ' ')}
            {detail && `: ${detail}`}
          </Fact>
        ))}
      </dl>
      <p className="small faint">Of the replica that answered. The trace asks all replicas.</p>
    </div>
  )
}

export function clientsText({
  clients,
  clientCount,
}: {
  clients: readonly string[]
  clientCount?: number | null
}): string {
  if (clientCount === null || clientCount === undefined) return 'everyone'
  if (clientCount === 0) return none
  const shown = clients.slice(0, 3).join(', ')
  return clientCount > 3 ? `${shown} and ${count(clientCount - 3)} more` : shown
}
