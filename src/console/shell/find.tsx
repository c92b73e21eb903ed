import { type KeyboardEvent, useEffect, useState } from 'react'
import { ClientsDocument, EndedSessionsDocument, type EndedSessionsQuery } from '../api/generated/graphql.ts'
import { useQuery } from '../api/use-query.ts'
import { Modal } from '../parts/dialog.tsx'
import { short } from '../parts/format.ts'
import { Icon, type IconName } from '../parts/icon.tsx'
import { views } from './navigation.ts'
import { go, Link, type Params } from './router.tsx'

interface Found {
  readonly title: string
  readonly hint: string
  readonly icon: IconName
  readonly view: string
  readonly params: Params
}

/** How long typing must pause before the gateway is asked, in milliseconds. */
const pauseMs = 200

/** Clients without a session that are listed, and ended sessions that are looked at for them. */
const maxEnded = { listed: 4, asked: 200 }

/** Takes anything: a client id, a message id, a cursor, an offset, a view. */
export function Find({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const [chosen, setChosen] = useState(0)
  const asked = usePaused(text.trim(), pauseMs)
  const clients = useQuery(ClientsDocument, asked === '' ? undefined : { search: asked, first: 6 })
  const ended = useQuery(EndedSessionsDocument, asked === '' ? undefined : { first: maxEnded.asked })
  const online = clients.data?.clients.nodes ?? []
  const found =
    text.trim() === ''
      ? viewsFound('')
      : foundFor(text.trim(), [
          ...online.map(clientFound),
          ...endedFound(asked, ended.data?.endedSessions.sessions ?? [], online),
        ])
  const at = Math.min(chosen, found.length - 1)
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setChosen((at + step + found.length) % Math.max(1, found.length))
    }
    const target = found[at]
    if (event.key === 'Enter' && target) {
      go(target.view, target.params)
      onClose()
    }
  }
  return (
    <Modal title="Find" onClose={onClose} className="cmdk">
      <input
        className="input"
        placeholder="Find a client, message id, text of a body, cursor, view"
        aria-label="Find"
        role="combobox"
        aria-expanded="true"
        aria-controls="found"
        aria-activedescendant={found.length > 0 ? `found-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setChosen(0)
        }}
        onKeyDown={onKeyDown}
      />
      <div id="found" role="listbox" aria-label="Found" className="found">
        {found.map(({ title, hint, icon, view, params }, index) => (
          <Link
            id={`found-${index}`}
            className={index === at ? 'on' : ''}
            role="option"
            aria-selected={index === at}
            tabIndex={-1}
            to={view}
            params={params}
            onClick={onClose}
            key={`${view} ${title} ${hint}`}
          >
            <Icon name={icon} />
            <span className="cut">{title}</span>
            <span>{hint}</span>
          </Link>
        ))}
        {found.length === 0 && <p className="pad muted">No view or client has “{text}”.</p>}
      </div>
    </Modal>
  )
}

/** A client or a view with this name comes first, then messages, then what else fits. */
function foundFor(text: string, clients: readonly Found[]): Found[] {
  const others = [...clients, ...viewsFound(text)]
  const isNamed = ({ title }: Found): boolean => title.toLowerCase() === text.toLowerCase()
  return [...others.filter(isNamed), ...guesses(text), ...others.filter((one) => !isNamed(one))]
}

/** What a text looks like. */
function guesses(text: string): Found[] {
  const number = text.replaceAll(',', '')
  const inTrace = { title: text, icon: 'trace', view: 'trace' } as const
  const inJournal = { title: text, icon: 'journal', view: 'journal' } as const
  const found: Found[] = [
    { ...inTrace, hint: 'trace messages with this id, or these words', params: { q: text } },
    { ...inTrace, hint: 'trace messages with exactly this text in the body', params: { text } },
    { ...inJournal, hint: 'search the journal for these words', params: { words: text } },
  ]
  if (/^\d+$/.test(number)) found.push({ ...inJournal, hint: 'offset in the journal', params: { offset: number } })
  if (/^[A-Za-z0-9_-]{20,}$/.test(text)) {
    found.push({ ...inJournal, title: short(text), hint: 'cursor in the journal', params: { cursor: text } })
    found.push({ ...inTrace, title: short(text), hint: 'trace this cursor', params: { cursor: text } })
  }
  return found
}

function clientFound({ clientId, online }: { clientId: string; online: boolean }): Found {
  return {
    title: clientId,
    hint: online ? 'client, online' : 'client, offline',
    icon: 'clients',
    view: 'clients',
    params: { client: clientId },
  }
}

/** Clients that no other list has: their sessions were cut off. `sessions`: newest first. */
function endedFound(
  text: string,
  sessions: EndedSessionsQuery['endedSessions']['sessions'],
  listed: readonly { clientId: string }[],
): Found[] {
  const known = new Set(listed.map(({ clientId }) => clientId))
  const found: Found[] = []
  for (const { clientId, reason } of sessions) {
    if (clientId === null || known.has(clientId) || !clientId.toLowerCase().includes(text.toLowerCase())) continue
    known.add(clientId)
    found.push({ ...clientFound({ clientId, online: false }), hint: `client, ended: ${reason.replaceAll('-', ' ')}` })
    if (found.length === maxEnded.listed) break
  }
  return found
}

function viewsFound(text: string): Found[] {
  return views
    .filter(({ title }) => title.toLowerCase().includes(text.trim().toLowerCase()))
    .map(({ title, icon, id, key }) => ({ title, hint: `G ${key.toUpperCase()}`, icon, view: id, params: {} }))
}

/** The value when it has not changed for a while. */
export function usePaused<Value>(value: Value, ms: number): Value {
  const [paused, setPaused] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), ms)
    return () => clearTimeout(timer)
  }, [value, ms])
  return paused
}
