import { Tabs } from 'radix-ui'
import { type FormEvent, useEffect, useState } from 'react'
import { Icon } from '../../parts/icon.tsx'
import { type Params, useParams } from '../../shell/router.tsx'

const lookFields = [
  ['exchange', 'Exchange', 'orders'],
  ['key', 'Routing key, a pattern', 'orders.*.created'],
  ['text', 'Text in the body', '"order":17'],
  ['client', 'For this client', 'alice'],
] as const

const cleared: Params = {
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
  const by = params.has('cursor') ? 'cursor' : lookFields.some(([name]) => params.has(name)) ? 'look' : 'id'
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
          <Tabs.Trigger value="id">Message id</Tabs.Trigger>
          <Tabs.Trigger value="cursor">Cursor</Tabs.Trigger>
          <Tabs.Trigger value="look">What it looks like</Tabs.Trigger>
        </Tabs.List>
        <div className="pad">
          {(['id', 'cursor'] as const).map((name) => (
            <Tabs.Content value={name} key={name} tabIndex={-1}>
              <form className="line-up" onSubmit={submit}>
                <label className="search grow">
                  <span className="sr">{name === 'id' ? 'Message id' : 'Cursor'}</span>
                  <Icon name="search" />
                  <input
                    className="input mono"
                    data-filter=""
                    name={name}
                    autoComplete="off"
                    spellCheck={false}
                    required
                    defaultValue={params.get(name) ?? ''}
                    key={params.get(name) ?? ''}
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
                    <input
                      id={`look-${name}`}
                      className="input mono"
                      name={name}
                      placeholder={example}
                      autoComplete="off"
                      spellCheck={false}
                      defaultValue={params.get(name) ?? ''}
                    />
                  </div>
                ))}
              </div>
              <div className="line-up">
                <button className="btn main-act" type="submit">
                  Trace
                </button>
                <span className="small muted">
                  Searches what the replicas have in memory. Fill in one field or more.
                </span>
              </div>
            </form>
          </Tabs.Content>
        </div>
      </Tabs.Root>
    </div>
  )
}
