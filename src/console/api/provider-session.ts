import { useSyncExternalStore } from 'react'
import { renewSocket } from './live.ts'
import { claimsOf, currentToken, onSignIn, renewToken, setToken } from './token.ts'

/** The session with the identity provider, which the gateway keeps in a cookie. */
export interface ProviderSession {
  /** The host of the provider. Undefined: users sign in with a token only. */
  readonly provider: string | undefined
  /** A word of the gateway: why the last sign-in did not succeed. */
  readonly problem: string | undefined
  /** Where a user who signed out here can sign out of the provider. */
  readonly signOutUrl: string | undefined
  /** Whether the gateway has not answered yet. */
  readonly asking: boolean
  /** Whether the session is over while the page is open. */
  readonly ended: boolean
}

interface Answer {
  readonly provider?: string | null
  readonly token?: string
  readonly problem?: string
}

/** A token is renewed when this share of its time is over. */
const renewAfter = 2 / 3
/** How long to wait before another attempt when the provider is away, in milliseconds. */
const retryMs = 5_000
/** A token that is refused again so soon is refused for another reason than its age. */
const resumeMs = 10_000

const listeners = new Set<() => void>()
let session: ProviderSession = {
  provider: undefined,
  problem: undefined,
  signOutUrl: undefined,
  asking: currentToken() === undefined,
  ended: false,
}
/** Whether the current token is one of the session. */
let isManaged = false
let resumedAt = 0
let timer: ReturnType<typeof setTimeout> | undefined

export function useProviderSession(): ProviderSession {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => session,
  )
}

/** The gateway redirects with `?sign-in=<problem>` if a sign-in did not succeed. */
export function takeProblemFromAddress(): void {
  const params = new URLSearchParams(location.search)
  const problem = params.get('sign-in')
  if (problem !== null) {
    params.delete('sign-in')
    const rest = params.size === 0 ? '' : `?${params}`
    history.replaceState(null, '', location.pathname + rest)
    change({ problem })
  }
  void begin(problem ?? undefined)
}

/** The page of the provider, and back to this view. */
export function signInHref(): string {
  return `/console/oidc/sign-in?${new URLSearchParams({ view: location.pathname + location.search })}`
}

/** Asks the gateway for a new token. Resolves to false if the session has ended. */
export async function resume(): Promise<boolean> {
  if (!isManaged || Date.now() - resumedAt < resumeMs) return false
  resumedAt = Date.now()
  const { token, problem } = await ask()
  if (token === undefined) {
    // Asked again and again, the gateway would answer the same.
    if (problem !== 'away' && problem !== 'busy') isManaged = false
    change({ problem })
    return false
  }
  take(token, { again: true })
  return true
}

export async function signOut(): Promise<void> {
  let signOutUrl: string | undefined
  // A session beside a pasted token would sign in again at the next reload.
  if (session.provider !== undefined) {
    const response = await fetch('/console/sign-out', { method: 'POST' }).catch(() => undefined)
    const body = (await response?.json().catch(() => undefined)) as { signOutUrl?: string } | undefined
    signOutUrl = body?.signOutUrl
  }
  setToken(undefined)
  change({ signOutUrl, problem: undefined })
}

onSignIn(() => {
  clearTimeout(timer)
  isManaged = false
  change({ ended: false, problem: undefined, signOutUrl: undefined })
})

/** Uses the session of the browser, unless the tab has a token. */
async function begin(known: string | undefined): Promise<void> {
  const hasToken = currentToken() !== undefined
  const answer = hasToken ? await provider() : await ask()
  if (answer.token !== undefined && !hasToken) take(answer.token, { again: true })
  change({ asking: false, provider: answer.provider ?? undefined, problem: known ?? answer.problem })
}

/** Only the name of the provider, for the day when the token of the tab expires. */
async function provider(): Promise<Answer> {
  const { provider: name } = await ask()
  return name === undefined ? {} : { provider: name }
}

function take(token: string, { again }: { again: boolean }): void {
  if (again) setToken(token, { stored: false })
  else {
    renewToken(token)
    renewSocket()
  }
  isManaged = true
  const { expiresAt } = claimsOf(token) ?? {}
  const left = (expiresAt?.getTime() ?? 0) - Date.now()
  timer = setTimeout(() => void renew(), Math.max(500, left * renewAfter))
}

async function renew(): Promise<void> {
  const { token, problem } = await ask()
  if (!isManaged) return
  if (token !== undefined) return take(token, { again: false })
  const { expiresAt } = claimsOf(currentToken() ?? '') ?? {}
  const isOver = (expiresAt?.getTime() ?? 0) <= Date.now()
  if (isOver || (problem !== undefined && problem !== 'away' && problem !== 'busy')) change({ ended: true, problem })
  else timer = setTimeout(() => void renew(), retryMs)
}

/** One tab at a time, because a provider may accept a refresh token once. */
function ask(): Promise<Answer> {
  const request = async (): Promise<Answer> => {
    try {
      const response = await fetch('/console/session', { method: 'POST' })
      return response.ok ? ((await response.json()) as Answer) : {}
    } catch {
      return {}
    }
  }
  // Only in a secure context.
  return 'locks' in navigator ? navigator.locks.request('warren-session', request) : request()
}

function change(changes: Partial<ProviderSession>): void {
  session = { ...session, ...changes }
  for (const listener of listeners) listener()
}
