import { useSyncExternalStore } from 'react'

/** What the console reads from its token, to show it. The gateway decides what it allows. */
export interface ShownClaims {
  readonly name: string
  readonly scope: readonly string[]
  readonly expiresAt: Date | undefined
}

const key = 'warren.token'
const listeners = new Set<() => void>()
/** Called when another user or another sign-in takes over, and not when a token is renewed. */
const signInListeners = new Set<() => void>()
let token = read()

/**
 * Moves the token of a sign-in link (`#token=…`) out of the address at once, so that it is in no
 * history, bookmark or screenshot. Call it before anything is rendered.
 */
export function takeTokenFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token')
  if (given === null) return
  history.replaceState(null, '', location.pathname + location.search)
  if (given !== '') setToken(given)
}

/** Kept for this tab only, and not beyond the page if `stored` is false. */
export function setToken(next: string | undefined, { stored = true } = {}): void {
  token = next
  try {
    if (next === undefined || !stored) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, next)
  } catch {
    // Without storage the token lasts until the page is reloaded.
  }
  for (const listener of [...signInListeners, ...listeners]) listener()
}

/** A later token of the same sign-in: nothing that is shown begins again. */
export function renewToken(next: string): void {
  token = next
  for (const listener of listeners) listener()
}

export function currentToken(): string | undefined {
  return token
}

export function useToken(): string | undefined {
  return useSyncExternalStore(onTokenChange, currentToken)
}

function onTokenChange(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Returns a function that stops the calls. */
export function onSignIn(listener: () => void): () => void {
  signInListeners.add(listener)
  return () => signInListeners.delete(listener)
}

/** Undefined if the text is no JSON Web Token. */
export function claimsOf(text: string): ShownClaims | undefined {
  try {
    const part = text.split('.')[1] ?? ''
    const bytes = Uint8Array.from(atob(part.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>
    const { sub, name, scope, exp } = claims
    return {
      name: [name, sub].find((value) => typeof value === 'string') ?? '',
      scope: typeof scope === 'string' ? scope.split(' ').filter((word) => word !== '') : [],
      expiresAt: typeof exp === 'number' ? new Date(exp * 1_000) : undefined,
    }
  } catch {
    return undefined
  }
}

function read(): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined
  } catch {
    return undefined
  }
}
