import { useEffect, useRef, useState } from 'react'
import type { TypedDocumentString } from './generated/graphql.ts'
import type { Failure } from './graphql.ts'
import { subscribe } from './live.ts'
import { useToken } from './token.ts'

export type LiveState = 'connecting' | 'live' | 'lost' | 'paused' | 'refused'

/** How long a hidden page keeps its subscriptions, in milliseconds. */
const hiddenMs = 10_000

/**
 * Subscribes while the component is shown, and not while the page is hidden: a console that was
 * left open costs nothing. Subscribes again with a new token. `variables` undefined: subscribes to
 * nothing. `begin` adds variables at each begin, such as the cursor to continue from.
 */
export function useSubscription<Result, Variables>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables | undefined,
  onResult: (result: Result) => void,
  begin: () => Partial<Variables> = () => ({}),
): { readonly state: LiveState; readonly failure: Failure | undefined } {
  const [state, setState] = useState<LiveState>('connecting')
  const [failure, setFailure] = useState<Failure>()
  const visible = useVisible()
  const token = useToken()
  const beginning = useRef(begin)
  beginning.current = begin
  const latest = useRef(onResult)
  latest.current = onResult
  const key = variables === undefined ? undefined : JSON.stringify(variables)

  useEffect(() => {
    if (key === undefined || !visible) return setState('paused')
    setState('connecting')
    setFailure(undefined)
    const given = { ...(JSON.parse(key) as Variables), ...beginning.current() }
    return subscribe(document, given, {
      next: (result) => latest.current(result),
      connected: (connected) => setState(connected ? 'live' : 'lost'),
      refused: (reason) => {
        setState('refused')
        setFailure(reason)
      },
    })
  }, [document, key, visible, token])
  return { state, failure }
}

/** False when the page has been hidden for a while. */
export function useVisible(): boolean {
  const [visible, setVisible] = useState(!globalThis.document.hidden)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const onChange = (): void => {
      clearTimeout(timer)
      if (globalThis.document.hidden) timer = setTimeout(() => setVisible(false), hiddenMs)
      else setVisible(true)
    }
    globalThis.document.addEventListener('visibilitychange', onChange)
    return () => {
      clearTimeout(timer)
      globalThis.document.removeEventListener('visibilitychange', onChange)
    }
  }, [])
  return visible
}
