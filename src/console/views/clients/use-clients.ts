import { useCallback, useEffect, useRef, useState } from 'react'
import {
  type ClientFragment,
  ClientsDocument,
  type ClientsQuery,
  type ClientsQueryVariables,
} from '../../api/generated/graphql.ts'
import { Failure } from '../../api/graphql.ts'
import { executeAgain } from '../../api/live.ts'

/** Rows a page from the gateway. */
const pageRows = 100
/** How often the pages on the screen are asked again, in milliseconds. */
const refreshMs = 5_000
/** Beyond this, refreshing would ask for too much: the list stays as it was read. */
const maxRefreshedRows = 300

type Page = ClientsQuery['clients']

interface State {
  readonly rows: readonly ClientFragment[]
  readonly last: Page | undefined
  readonly loading: boolean
  readonly failure: Failure | undefined
  readonly at: Date | undefined
}

const empty: State = { rows: [], last: undefined, loading: true, failure: undefined, at: undefined }

/** The clients that a search finds, in pages, and read again while the page is visible. */
export function useClients(question: Pick<ClientsQueryVariables, 'search' | 'only' | 'transport' | 'sort'>) {
  const [state, setState] = useState<State>(empty)
  const key = JSON.stringify(question)
  const asking = useRef<AbortController>(undefined)

  const ask = useCallback(
    async (from: 'start' | 'end', known: State): Promise<void> => {
      asking.current?.abort()
      const ending = new AbortController()
      asking.current = ending
      setState((before) => ({ ...before, loading: true }))
      const first = from === 'start' ? Math.min(maxRefreshedRows, Math.max(pageRows, known.rows.length)) : pageRows
      const after = from === 'start' ? null : known.last?.endCursor
      try {
        const variables = { ...(JSON.parse(key) as typeof question), first, after: after ?? null }
        const { clients } = await executeAgain(ClientsDocument, variables, ending.signal)
        setState({
          rows: from === 'start' ? clients.nodes : withoutRepeated(known.rows, clients.nodes),
          last: clients,
          loading: false,
          failure: undefined,
          at: new Date(),
        })
      } catch (error) {
        if (ending.signal.aborted) return
        const failure = error instanceof Failure ? error : new Failure('ERROR', String(error))
        setState((before) => ({ ...before, loading: false, failure }))
      }
    },
    [key],
  )
  const latest = useRef(state)
  latest.current = state

  useEffect(() => {
    setState((before) => ({ ...empty, last: before.last }))
    void ask('start', empty)
    return () => asking.current?.abort()
  }, [ask])
  useEffect(() => {
    const timer = setInterval(() => {
      const { rows, loading } = latest.current
      if (!document.hidden && !loading && rows.length <= maxRefreshedRows) void ask('start', latest.current)
    }, refreshMs)
    return () => clearInterval(timer)
  }, [ask])

  const more = useCallback(() => {
    const { last, loading } = latest.current
    if (last?.hasMore && !loading) void ask('end', latest.current)
  }, [ask])
  const reload = useCallback(() => void ask('start', latest.current), [ask])
  return {
    ...state,
    counts: state.last?.counts,
    unanswered: state.last?.unanswered ?? [],
    complete: state.last?.hasMore === false,
    more,
    reload,
  }
}

function withoutRepeated(
  before: readonly ClientFragment[],
  page: readonly ClientFragment[],
): readonly ClientFragment[] {
  const known = new Set(before.map(({ clientId }) => clientId))
  return [...before, ...page.filter(({ clientId }) => !known.has(clientId))]
}
