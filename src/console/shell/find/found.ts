import type { EndedSessionsQuery } from '../../api/generated/graphql.ts'
import { plural, short } from '../../parts/format.ts'
import type { IconName } from '../../parts/icon.tsx'
import { views } from '../navigation.ts'
import type { Params } from '../router.tsx'

/** A choice of the palette. */
export interface Found {
  readonly title: string
  readonly hint: string
  readonly icon: IconName
  readonly view: string
  readonly params: Params
}

/** What the gateway knows of a text. */
export interface FindAnswers {
  readonly clients: readonly { readonly clientId: string; readonly online: boolean }[]
  /** Newest first. */
  readonly ended: EndedSessionsQuery['endedSessions']['sessions']
  /** How many messages that replicas remember have exactly this id. */
  readonly messages: number
}

export const noAnswers: FindAnswers = { clients: [], ended: [], messages: 0 }

/** Clients without a session that are listed. */
const maxEnded = 4

/**
 * The best match first: what has exactly this name (a client, a message, a view), what begins so,
 * and then the searches.
 */
export function foundFor(typed: string, answers: FindAnswers): readonly Found[] {
  const text = typed.trim()
  const pages = views.map(({ title, icon, id, key }) => viewFound(title, icon, id, key))
  if (text === '') return pages
  const clients = [...answers.clients.map(clientFound), ...endedFound(text, answers)]
  const named = text.toLowerCase()
  const nameOf = ({ title }: Found): string => title.toLowerCase()
  const isNamed = (one: Found): boolean => nameOf(one) === named
  const begins = (one: Found): boolean => nameOf(one).startsWith(named) && !isNamed(one)
  const contains = (one: Found): boolean => nameOf(one).includes(named) && !nameOf(one).startsWith(named)
  const isPlace = looksLikePlace(text)
  return [
    ...clients.filter(isNamed),
    ...messagesFound(text, answers.messages),
    ...pages.filter(isNamed),
    ...(isPlace ? placesFound(text) : []),
    ...pages.filter(begins),
    ...clients.filter(begins),
    ...searches(text),
    ...clients.filter((one) => !isNamed(one) && !begins(one)),
    ...pages.filter(contains),
  ]
}

function viewFound(title: string, icon: IconName, view: string, key: string): Found {
  return { title, hint: `G ${key.toUpperCase()}`, icon, view, params: {} }
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

/** Clients that no other list has: their sessions were cut off. */
function endedFound(text: string, { clients, ended }: FindAnswers): readonly Found[] {
  const known = new Set(clients.map(({ clientId }) => clientId))
  const found: Found[] = []
  for (const { clientId, reason } of ended) {
    if (clientId === null || known.has(clientId) || !clientId.toLowerCase().includes(text.toLowerCase())) continue
    known.add(clientId)
    found.push({ ...clientFound({ clientId, online: false }), hint: `client, ended: ${reason.replaceAll('-', ' ')}` })
    if (found.length === maxEnded) break
  }
  return found
}

function messagesFound(text: string, messages: number): readonly Found[] {
  if (messages === 0) return []
  const hint =
    messages === 1 ? 'trace the message with this id' : `trace the ${plural(messages, 'message')} with this id`
  return [{ title: text, hint, icon: 'trace', view: 'trace', params: { id: text } }]
}

const offsetForm = /^\d[\d,]*$/
const cursorForm = /^[A-Za-z0-9_-]{20,}$/

function looksLikePlace(text: string): boolean {
  return offsetForm.test(text) || cursorForm.test(text)
}

/** What has the form of an offset or a cursor. */
function placesFound(text: string): readonly Found[] {
  const inJournal = { icon: 'journal', view: 'journal' } as const
  const found: Found[] = []
  if (offsetForm.test(text))
    found.push({
      ...inJournal,
      title: text,
      hint: 'offset in the journal',
      params: { offset: text.replaceAll(',', '') },
    })
  if (cursorForm.test(text))
    found.push(
      { icon: 'trace', view: 'trace', title: short(text), hint: 'trace this cursor', params: { cursor: text } },
      { ...inJournal, title: short(text), hint: 'cursor in the journal', params: { cursor: text } },
    )
  return found
}

function searches(text: string): readonly Found[] {
  const inTrace = { title: text, icon: 'trace', view: 'trace' } as const
  return [
    { ...inTrace, hint: 'trace messages with this id, or these words', params: { q: text } },
    { ...inTrace, hint: 'trace messages with exactly this text in the body', params: { text } },
    {
      title: text,
      icon: 'journal',
      view: 'journal',
      hint: 'search the journal for these words',
      params: { words: text },
    },
  ]
}
