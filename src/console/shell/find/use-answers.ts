import { useEffect, useState } from 'react'
import { ClientsDocument, EndedSessionsDocument, FindMessageDocument } from '../../api/generated/graphql.ts'
import { execute } from '../../api/graphql.ts'
import { type FindAnswers, noAnswers } from './found.ts'
import { usePaused } from './use-paused.ts'

/** How long typing must pause before the gateway is asked, in milliseconds. */
const pauseMs = 200
/** Clients that are listed, and ended sessions that are looked at for more. */
const maxAsked = { clients: 6, ended: 200 }

/** What the gateway knows of the text. `isSettled`: that is the answer to this text. */
export function useAnswers(text: string): { readonly answers: FindAnswers; readonly isSettled: boolean } {
  const [state, setState] = useState({ asked: '', answers: noAnswers })
  const asked = usePaused(text, pauseMs)
  useEffect(() => {
    if (asked === '') return setState({ asked, answers: noAnswers })
    const ending = new AbortController()
    void askFor(asked, ending.signal).then((answers) => {
      if (!ending.signal.aborted) setState({ asked, answers })
    })
    return () => ending.abort()
  }, [asked])
  return { answers: state.answers, isSettled: state.asked === text }
}

/** What cannot be answered is not found. */
async function askFor(text: string, signal: AbortSignal): Promise<FindAnswers> {
  const [clients, ended, messages] = await Promise.all([
    execute(ClientsDocument, { search: text, first: maxAsked.clients }, signal).catch(() => undefined),
    execute(EndedSessionsDocument, { first: maxAsked.ended }, signal).catch(() => undefined),
    execute(FindMessageDocument, { messageId: text }, signal).catch(() => undefined),
  ])
  const offsets = messages?.trace.flatMap((one) => one.messages.map(({ offset }) => offset)) ?? []
  return {
    clients: clients?.clients.nodes ?? [],
    ended: ended?.endedSessions.sessions ?? [],
    messages: new Set(offsets).size,
  }
}
