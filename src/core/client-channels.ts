import { badInput, GatewayError } from '../errors.ts'
import { mayHear } from './authorizer.ts'
import { checkClientId } from './channel.ts'
import type { Client, ClientRegistry } from './client-registry.ts'
import type { Identity } from './identity.ts'
import type { PasswordFailures } from './password-failures.ts'

/** How passwords are kept; implemented by `auth/passwords.ts`. */
export interface Passwords {
  /** In PHC format, salted. */
  hash(password: string): Promise<string>
  /** Whether the password is the one that was hashed. Undefined: there is no such client; takes as long, and is false. */
  verify(hash: string | undefined, password: string): Promise<boolean>
}

/** How a client is given a token for its own channel; implemented by `auth/jwt.ts`. */
export type IssueToken = (clientId: string) => Promise<{ token: string; expiresAt: Date }>

export interface NewClient {
  readonly clientId: string
  readonly name: string
  readonly email: string
  readonly password: string
}

export interface CreatedClient {
  readonly client: Client
  readonly token: string
  readonly expiresAt: Date
  /** False where the id existed with this very password. */
  readonly created: boolean
}

/** What a search answers with at most, what it asks the registry for at a time, and how often. */
const maxFound = 100
const searchPage = 500
const maxSearchPages = 20
const maxNameBytes = 200
const maxEmailBytes = 254 // RFC 5321 §4.5.3.1.3, less the brackets
const maxPasswordBytes = 1024

/** A client asks for a channel of its own, and proves with its password that it is the one that asked before. */
export class ClientChannels {
  readonly #registry: ClientRegistry
  readonly #passwords: Passwords
  readonly #failures: PasswordFailures
  readonly #issueToken: IssueToken
  /** By everything that was given: who asks for the same at the same time is answered by the same work. */
  readonly #underWay = new Map<string, Promise<CreatedClient>>()

  constructor(parts: {
    registry: ClientRegistry
    passwords: Passwords
    failures: PasswordFailures
    issueToken: IssueToken
  }) {
    this.#registry = parts.registry
    this.#passwords = parts.passwords
    this.#failures = parts.failures
    this.#issueToken = parts.issueToken
  }

  /**
   * Repeatable with the same password; with another, `CLIENT_ID_TAKEN`. Many at once make one client. `address`: where the caller is; after too
   * many wrong passwords from there `LIMIT_EXCEEDED`.
   */
  async create(
    input: NewClient,
    { address, prefix = '' }: { address: string; prefix?: string },
  ): Promise<CreatedClient> {
    const clientId = checkClientId(input.clientId, `${prefix}clientId`)
    const name = checkText(`${prefix}name`, input.name, maxNameBytes)
    const email = checkText(`${prefix}email`, input.email, maxEmailBytes)
    if (!/^[^\s@]+@[^\s@]+$/.test(email))
      throw badInput(`${prefix}email`, 'expected an address such as name@example.com')
    const password = checkText(`${prefix}password`, input.password, maxPasswordBytes)

    this.#failures.check(clientId, address)

    const key = JSON.stringify([clientId, name, email, password])
    const running = this.#underWay.get(key)
    if (running) return { ...(await running), created: false }
    const creating = this.#create({ clientId, name, email, password }, address).finally(() =>
      this.#underWay.delete(key),
    )
    this.#underWay.set(key, creating)
    return creating
  }

  async #create({ clientId, name, email, password }: NewClient, address: string): Promise<CreatedClient> {
    const known = await this.#registry.findClient(clientId)
    const passwordHash = known?.passwordHash ?? (await this.#passwords.hash(password))
    const { client, created } = known
      ? { client: known, created: false }
      : await this.#registry.addClient({ clientId, name, email, passwordHash, createdAt: new Date() })
    if (!created && !(await this.#passwords.verify(client.passwordHash, password))) {
      this.#failures.add(clientId, address)
      throw new GatewayError('CLIENT_ID_TAKEN', `client id "${clientId}" is taken by another password`)
    }
    return { client, created, ...(await this.#issueToken(clientId)) }
  }

  find(clientId: string): Promise<Client | undefined> {
    return this.#registry.findClient(clientId)
  }

  /** Channels whose names contain the text, in order, as far as the caller may hear them; not more than a page of them. */
  async search(containing: string, caller: Identity): Promise<string[]> {
    // Most may hear one channel, and need no search among all.
    if (!caller.scope.operator && caller.scope.channels.length === 0) {
      const own = caller.clientId
      if (own === undefined || !own.toLowerCase().includes(containing.toLowerCase())) return []
      return (await this.#registry.findClient(own)) ? [own] : []
    }
    const found: string[] = []
    for (let behind: string | undefined, page = 0; page < maxSearchPages; page += 1) {
      const ids = await this.#registry.findClientIds({ containing, behind, first: searchPage })
      found.push(...ids.filter((id) => mayHear(caller, id)))
      if (found.length > maxFound || ids.length < searchPage) break
      behind = ids.at(-1)
    }
    return found.slice(0, maxFound)
  }

  remove(clientId: string): Promise<boolean> {
    return this.#registry.removeClient(clientId)
  }
}

function checkText(field: string, value: unknown, maxBytes: number): string {
  if (typeof value !== 'string' || value.trim() === '') throw badInput(field, 'expected a non-empty string')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) throw badInput(field, `expected at most ${maxBytes} bytes, got ${bytes}`)
  if (/\p{Cc}/u.test(value)) throw badInput(field, 'expected no control characters')
  return value
}
