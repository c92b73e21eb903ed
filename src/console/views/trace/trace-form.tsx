import { Tabs } from 'radix-ui'
import { type FormEvent, type InputHTMLAttributes, useEffect, useState } from 'react'
import { Icon } from '../../parts/icon.tsx'
import { type Params, useParams } from '../../shell/router.tsx'

const lookFields = [
  ['exchange', 'Exchange', 'such as orders'],
  ['key', 'Routing key, a pattern', 'such as orders.*.created'],
  ['text', 'Text in the body', 'such as "order":17'],
  ['client', 'For this client', 'such as alice'],
] as const

/** The first one takes the id of a link, or what a person types. */
const single = [
  ['q', 'Message id, or words of the message', 'A message id or words, such as order-17-created or order 17'],
  ['cursor', 'Cursor', 'A cursor, as a subscription or the journal gives it'],
] as const

const cleared: Params = {
  q: undefined,
  id: undefined,
  cursor: undefined,
  exchange: undefined,
  key: undefined,
  text: undefined,
  client: undefined,
  offset: undefined,
}

/** Finds the message by its id, its cursor, or what it looks like, because many have no id. */
export function TraceForm() {
  const [params, change] = useParams()
  const by = params.has('cursor')
    ? 'cursor'
    : !params.has('q') && !params.has('id') && lookFields.some(([name]) => params.has(name))
      ? 'look'
      : 'q'
  const [tab, setTab] = useState<string>(by)
  useEffect(() => setTab(by), [by])
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const given = Object.fromEntries(
      [...new FormData(event.currentTarget)].map(([name, value]) => [
        name,
        typeof value === 'string' ? value.trim() : '',
      ]),
    )
    change({ ...cleared, ...given }, { push: true })
  }
  return (
    <div className="panel">
      <Tabs.Root value={tab} onValueChange={setTab}>
        <Tabs.List className="tabs" aria-label="Find the message by">
          <Tabs.Trigger value="q">Id or words</Tabs.Trigger>
          <Tabs.Trigger value="cursor">Cursor</Tabs.Trigger>
          <Tabs.Trigger value="look">What it looks like</Tabs.Trigger>
        </Tabs.List>
        <div className="pad">
          {single.map(([name, label, example]) => (
            <Tabs.Content value={name} key={name} tabIndex={-1}>
              <form className="line-up" onSubmit={submit}>
                <label className="search grow">
                  <span className="sr">{label}</span>
                  <Icon name="search" />
                  <TypedInput
                    className="input mono"
                    data-filter=""
                    name={name}
                    placeholder={example}
                    required
                    given={params.get(name) ?? (name === 'q' ? params.get('id') : null) ?? ''}
                  />
                </label>
                <button className="btn main-act" type="submit">
                  Trace
                </button>
              </form>
            </Tabs.Content>
          ))}
          <Tabs.Content value="look" tabIndex={-1}>
            <form className="stack" onSubmit={submit}>
              <div className="grid g-2">
                {lookFields.map(([name, label, example]) => (
                  <div className="field" key={name}>
                    <label htmlFor={`look-${name}`}>{label}</label>
                    <TypedInput
                      id={`look-${name}`}
                      className="input mono"
                      name={name}
                      placeholder={example}
                      given={params.get(name) ?? ''}
                    />
                  </div>
                ))}
              </div>
              <div className="line-up">
                <button className="btn main-act" type="submit">
                  Trace
                </button>
                <span className="small muted">
                  Searches what the replicas have in memory. Fill in one field or more. With a client, messages that are
                  not for it are found too, with the reason.
                </span>
              </div>
            </form>
          </Tabs.Content>
        </div>
      </Tabs.Root>
    </div>
  )
}

/** Shows what the address has when that changes, and keeps the focus. */
function TypedInput({ given, ...rest }: { given: string } & InputHTMLAttributes<HTMLInputElement>) {
  const [typed, setTyped] = useState(given)
  useEffect(() => setTyped(given), [given])
  return (
    <input
      {...rest}
      autoComplete="off"
      spellCheck={false}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  )
}
