import { hash, verify } from '@node-rs/argon2'
import type { Passwords } from '../../core/clients/client-channels.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'

/**
 * OWASP's first recommendation for argon2id; about 28 ms of one core. The package's default
 * algorithm is argon2id.
 */
const cost = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const // memory in KiB

/**
 * Node's thread pool has four threads, and DNS, files and token signatures need it too: two are
 * left to them.
 */
const atOnce = 2

/**
 * Of a password that nobody knows, at the same cost: what is checked where there is no client, so
 * that time tells nothing.
 */
const nobodysHash = '$argon2id$v=19$m=19456,t=2,p=1$kYQ/r1+0eAiarEMAzlkSTQ$6zSNbWwNuzvtm/UMXfWD+IZ9CI21OkaLM46LppNkSB4'

/**
 * Passwords with argon2id. Where more than `maxWaiting` of one network wait to be hashed, or to be
 * checked, both methods reject with `LIMIT_EXCEEDED`. New passwords and log-ins take turns, so that
 * neither holds up the other.
 */
export function createPasswords(maxWaiting: number): Passwords {
  const limit = new ConcurrencyLimit({
    inside: atOnce,
    waiting: maxWaiting,
    limit: 'WARREN_MAX_PASSWORD_CHECKS',
    refusal: 'too many passwords are being checked just now; try again in a moment',
  })
  return {
    hash: (password, sender = nobody) =>
      limit.through(() => hash(bytesOf(password), cost), { ...sender, kind: 'hash' }),
    async verify(passwordHash, password, { onTurn, suspect, ...sender } = nobody) {
      const check = () => {
        onTurn?.()
        return verify(passwordHash ?? nobodysHash, bytesOf(password))
      }
      const matches = await limit.through(async () => check(), {
        ...sender,
        // Who was wrong before waits apart, so that guessing fills no queue of those who are right.
        kind: suspect ? 'verify again' : 'verify',
      })
      return matches && passwordHash !== undefined
    },
  }
}

const nobody: NonNullable<Parameters<Passwords['verify']>[2]> = { network: '', client: '' }

/**
 * One password is typed as different characters on different systems; RFC 8265 §4.2 (OpaqueString)
 * asks for NFC.
 */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}
