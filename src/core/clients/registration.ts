import { badInput, GatewayError } from '../../errors.ts'
import { hiddenIn } from '../body/invisible-characters.ts'
import type { Identity } from '../model/identity.ts'
import { demand, mayRegister } from '../sessions/authorizer.ts'

export const registrationModes = ['open', 'token', 'off'] as const
/**
 * `open`: any caller may register a client id. `token`: only with a token of scope `register`; a
 * registered client still gets a token for its password. `off`: passwords yield no tokens at all.
 */
export type RegistrationMode = (typeof registrationModes)[number]

export interface RegistrationPolicy {
  readonly mode: RegistrationMode
  /** The prefix of new ids; undefined: any id is allowed. */
  readonly prefix: string | undefined
}

/** Throws `FORBIDDEN` if passwords yield no tokens. */
export function demandPasswords({ mode }: RegistrationPolicy): void {
  if (mode !== 'off') return
  throw new GatewayError(
    'FORBIDDEN',
    'registration and log-in with a password are off here (WARREN_REGISTRATION); use a token from the operator or the identity provider',
  )
}

/**
 * Throws `UNAUTHENTICATED`, `FORBIDDEN`, or `BAD_USER_INPUT` for `field`, if the caller may not
 * register this id.
 */
export async function demandRegistration(
  { mode, prefix }: RegistrationPolicy,
  { clientId, field, caller }: { clientId: string; field: string; caller: () => Promise<Identity> },
): Promise<void> {
  if (mode === 'token') {
    const identity = await caller()
    demand(mayRegister(identity), identity, 'register a client id (scope "register")')
  }
  if (prefix !== undefined && !clientId.startsWith(prefix)) {
    throw badInput(field, `expected an id that begins with "${prefix}" (WARREN_REGISTRATION_PREFIX)`)
  }
}

/** Applied to new clients only: existing ids stay valid. Nothing is normalised. */
export function checkVisible(field: string, text: string): void {
  const hidden = hiddenIn(text)
  if (hidden !== undefined) {
    throw badInput(
      field,
      `expected visible characters only, got ${hidden}, which has no width or changes the direction of text`,
    )
  }
}

/** Encoding turns every unpaired half of a surrogate pair into the same character. */
export function checkWhole(field: string, text: string): void {
  if (/\p{Cs}/u.test(text)) throw badInput(field, 'expected whole characters, got half of a surrogate pair')
}
