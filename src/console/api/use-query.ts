import { useCallback, useEffect, useRef, useState } from 'react'
import type { TypedDocumentString } from './generated/graphql.ts'
import { execute, Failure } from './graphql.ts'
import { executeAgain } from './live.ts'
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

/** How a query asks only for what has changed since its last answer. */
export interface Continuation<Result, Variables> {
  readonly variables: (last: Result) => Partial<Variables>
  /** The whole answer, of the last one and of what the variables above asked for. */
  readonly merge: (last: Result, newer: Result) => Result
}

interface Answered<Result> extends Omit<QueryAnswer<Result>, 'reload' | 'isOutdated'> {
  /** The question that `data` answers, as JSON. */
  readonly key: string | undefined
}

/**
 * Executes a query when its variables or the token change, and every `everyMs` milliseconds while
 * the page is visible. `variables` undefined: asks nothing.
 *
 * `keepsBefore`: an answer stays until the one to the next question comes, for rows that are
 * replaced by others of their list. While `isOutdated`, do not show a statement about the answer.
 * `again`: a constant.
 */
export function useQuery<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables | undefined,
  {
    everyMs,
    keepsBefore = false,
    again,
  }: { everyMs?: number; keepsBefore?: boolean; again?: Continuation<Result, Variables> } = {},
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
  const last = useRef<Result>(undefined)

  useEffect(() => {
    if (key === undefined) return
    const ending = new AbortController()
    const sameQuestion = lastKey.current === key
    lastKey.current = key
    if (!sameQuestion) last.current = undefined
    const known = again && last.current
    setState((before) => ({ ...before, loading: true, failure: sameQuestion ? before.failure : undefined }))
    const ask = sameQuestion ? executeAgain : execute
    const asked = { ...(JSON.parse(key) as Variables), ...(known && again.variables(known)) }
    ask(document, asked, ending.signal).then(
      (answer) => {
        const data = known ? again.merge(known, answer) : answer
        last.current = data
        setState({ data, key, failure: undefined, loading: false, at: new Date() })
      },
      (error: unknown) => {
        if (ending.signal.aborted) return
        const failure = error instanceof Failure ? error : new Failure('ERROR', String(error))
        setState((before) => ({ ...before, failure, loading: false }))
      },
    )
    return () => ending.abort()
  }, [document, key, turn, token, again])

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
