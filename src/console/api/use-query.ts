import { useCallback, useEffect, useRef, useState } from 'react'
import type { TypedDocumentString } from './generated/graphql.ts'
import { execute, Failure } from './graphql.ts'
import { useToken } from './token.ts'

export interface QueryAnswer<Result> {
  /**
   * The last answer to this question. It stays while the next one is on its way. With `keepsBefore`
   * also an answer to the question before.
   */
  readonly data: Result | undefined
  /** Whether `data` answers the question before. */
  readonly isOutdated: boolean
  readonly failure: Failure | undefined
  readonly loading: boolean
  /** When `data` was answered. */
  readonly at: Date | undefined
  reload: () => void
}

interface Answered<Result> extends Omit<QueryAnswer<Result>, 'reload' | 'isOutdated'> {
  /** The question that `data` answers, as JSON. */
  readonly key: string | undefined
}

/**
 * Executes a query when its variables or the token change, and every `everyMs` milliseconds while
 * the page is visible. `variables` undefined: asks nothing. `keepsBefore`: an answer stays until the
 * one to the next question comes, for rows that are replaced by others of their list. What is said
 * of an answer must not be shown as long as `isOutdated`.
 */
export function useQuery<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables | undefined,
  { everyMs, keepsBefore = false }: { everyMs?: number; keepsBefore?: boolean } = {},
): QueryAnswer<Result> {
  const [state, setState] = useState<Answered<Result>>({
    data: undefined,
    key: undefined,
    failure: undefined,
    loading: variables !== undefined,
    at: undefined,
  })
  const [turn, setTurn] = useState(0)
  const token = useToken()
  const key = variables === undefined ? undefined : JSON.stringify(variables)
  const lastKey = useRef(key)

  useEffect(() => {
    if (key === undefined) return
    const ending = new AbortController()
    const sameQuestion = lastKey.current === key
    lastKey.current = key
    setState((before) => ({ ...before, loading: true, failure: sameQuestion ? before.failure : undefined }))
    execute(document, JSON.parse(key) as Variables, ending.signal).then(
      (data) => setState({ data, key, failure: undefined, loading: false, at: new Date() }),
      (error: unknown) => {
        if (ending.signal.aborted) return
        const failure = error instanceof Failure ? error : new Failure('ERROR', String(error))
        setState((before) => ({ ...before, failure, loading: false }))
      },
    )
    return () => ending.abort()
  }, [document, key, turn, token])

  const reload = useCallback(() => setTurn((n) => n + 1), [])
  useEffect(() => {
    if (everyMs === undefined || key === undefined) return
    const timer = setInterval(() => {
      if (!globalThis.document.hidden) reload()
    }, everyMs)
    return () => clearInterval(timer)
  }, [everyMs, key, reload])
  const isOutdated = state.data !== undefined && state.key !== key
  const { failure, loading } = state
  if (isOutdated && !keepsBefore) return { data: undefined, isOutdated, failure, loading, at: undefined, reload }
  return { data: state.data, isOutdated, failure, loading, at: state.at, reload }
}
