import { hash, verify } from '@node-rs/argon2'
import type { Passwords } from '../../core/clients/client-channels.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'

/**
 * OWASP's first recommendation for argon2id; about 28 ms of one core. The package's default
 * algorithm is argon2id.
 */
const cost = { memoryCost: 19 * 1024, timeCost: 2, parallelism: 1 } as const // memory in KiB

/** Node's thread pool has four threads. Two stay free for DNS, files and token signatures. */
const concurrency = 2

/**
 * Hash of an unknown password at the same cost. It is verified if the client does not exist, so
 * that the response time does not reveal which clients exist.
 */
const unknownPasswordHash =
  '$argon2id$v=19$m=19456,t=2,p=1$kYQ/r1+0eAiarEMAzlkSTQ$6zSNbWwNuzvtm/UMXfWD+IZ9CI21OkaLM46LppNkSB4'

/**
 * Hashes and verifies passwords with argon2id. If more than `maxWaiting` calls of one network wait,
 * `hash` and `verify` reject with `LIMIT_EXCEEDED`. Each has its own queue, so that new passwords
 * and log-ins do not block each other.
 */
export function createPasswords(maxWaiting: number): Passwords {
  const limit = new ConcurrencyLimit({
    concurrency,
    maxWaiting,
    limit: 'WARREN_MAX_PASSWORD_CHECKS',
    message: 'too many passwords are being checked at the moment; try again',
  })
  return {
    hash: (password, sender = unknownClient) =>
      limit.run(() => hash(bytesOf(password), cost), { ...sender, kind: 'hash' }),
    async verify(passwordHash, password, { onTurn, suspect, ...sender } = unknownClient) {
      const check = () => {
        onTurn?.()
        return verify(passwordHash ?? unknownPasswordHash, bytesOf(password))
      }
      const matches = await limit.run(async () => check(), {
        ...sender,
        // Clients with recent wrong passwords wait in a separate queue, so that guessing does not
        // delay clients with the right password.
        kind: suspect ? 'verify again' : 'verify',
      })
      return matches && passwordHash !== undefined
    },
  }
}

const unknownClient: NonNullable<Parameters<Passwords['verify']>[2]> = { network: '', client: '' }

/**
 * The same password is typed as different characters on different systems. RFC 8265 §4.2
 * (OpaqueString) requires NFC.
 */
function bytesOf(password: string): Buffer {
  return Buffer.from(password.normalize('NFC'))
}
