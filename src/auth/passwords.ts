import { hash, verify } from '@node-rs/argon2'
import { Turnstile } from './turnstile.ts'

/** OWASP's first recommendation for argon2id; about 28 ms of one core. The package's default algorithm is argon2id. */
const cost = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const // memory in KiB

/**
 * Node's thread pool has four threads, and DNS, files and token signatures need it too: two are left to them. The queue is what two
 * threads do in some two seconds.
 */
const turnstile = new Turnstile({
  inside: 2,
  waiting: 128,
  limit: 'passwordChecks',
  refusal: 'Too many passwords are being checked just now; try again in a moment.',
})

/** Of a password that nobody knows, at the same cost: what is checked where there is no client, so that time tells nothing. */
const nobodysHash = '$argon2id$v=19$m=19456,t=2,p=1$kYQ/r1+0eAiarEMAzlkSTQ$6zSNbWwNuzvtm/UMXfWD+IZ9CI21OkaLM46LppNkSB4'

/** The hash in PHC format, salted. Rejects with `LIMIT_EXCEEDED` where too many are waiting. */
export function hashPassword(password: string): Promise<string> {
  return turnstile.through(() => hash(bytesOf(password), cost))
}

/**
 * Whether the password is the one that was hashed. `passwordHash` undefined: there is no such client; takes as long, and is false.
 * Rejects with `LIMIT_EXCEEDED` where too many are waiting.
 */
export async function verifyPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  const matches = await turnstile.through(() => verify(passwordHash ?? nobodysHash, bytesOf(password)))
  return matches && passwordHash !== undefined
}

/** One password is typed as different characters on different systems; RFC 8265 §4.2 (OpaqueString) asks for NFC. */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}
