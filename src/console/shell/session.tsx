import { createContext, type ReactNode, useContext } from 'react'
import type { ShownClaims } from '../api/token.ts'

export interface ConsoleSession extends ShownClaims {
  /** False with the scope `observe`: reads everything, changes nothing. */
  readonly mayChange: boolean
}

const Context = createContext<ConsoleSession>({ name: '', scope: [], expiresAt: undefined, mayChange: false })

export function SessionProvider({ claims, children }: { claims: ShownClaims | undefined; children: ReactNode }) {
  const scope = claims?.scope ?? []
  // A token of an identity provider may have its scope elsewhere; the gateway decides then.
  const mayChange = scope.length === 0 || scope.includes('operator') || !scope.includes('observe')
  const session = { name: claims?.name ?? '', scope, expiresAt: claims?.expiresAt, mayChange }
  return <Context value={session}>{children}</Context>
}

export function useSession(): ConsoleSession {
  return useContext(Context)
}

/**
 * Attributes of a button that changes something. Without the scope it stays in place, is off, and
 * states which scope it needs.
 */
export function useChangeButton(): { disabled?: boolean; title?: string; 'aria-describedby'?: string } {
  const { mayChange } = useSession()
  return mayChange ? {} : { disabled: true, title: 'Needs the scope operator', 'aria-describedby': 'read-only-note' }
}
