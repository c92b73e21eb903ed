import { badInput, GatewayError } from '../errors.ts'
import { checkClientId } from './channel.ts'
import type { Client, ClientRegistry } from './client-registry.ts'

/** How passwords are kept; implemented by `auth/passwords.ts`. */
export interface Passwords {
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
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

const maxNameBytes = 200
const maxEmailBytes = 254 // RFC 5321 §4.5.3.1.3, less the brackets
const maxPasswordBytes = 1024

/** A client asks for a channel of its own, and proves with its password that it is the one that asked before. */
export class ClientChannels {
  readonly #registry: ClientRegistry
  readonly #passwords: Passwords
  readonly #issueToken: IssueToken

  constructor(registry: ClientRegistry, passwords: Passwords, issueToken: IssueToken) {
    this.#registry = registry
    this.#passwords = passwords
    this.#issueToken = issueToken
  }

  /** Repeatable with the same password; with another, `CLIENT_ID_TAKEN`. Two at once make one client. */
  async create(input: NewClient, prefix = ''): Promise<CreatedClient> {
    const clientId = checkClientId(input.clientId, `${prefix}clientId`)
    const name = checkText(`${prefix}name`, input.name, maxNameBytes)
    const email = checkText(`${prefix}email`, input.email, maxEmailBytes)
    if (!/^[^\s@]+@[^\s@]+$/.test(email))
      throw badInput(`${prefix}email`, 'expected an address such as name@example.com')
    const password = checkText(`${prefix}password`, input.password, maxPasswordBytes)

    const known = await this.#registry.findClient(clientId)
    const passwordHash = known?.passwordHash ?? (await this.#passwords.hash(password))
    const { client, created } = known
      ? { client: known, created: false }
      : await this.#registry.addClient({ clientId, name, email, passwordHash, createdAt: new Date() })
    if (!created && !(await this.#passwords.verify(client.passwordHash, password))) {
      throw new GatewayError('CLIENT_ID_TAKEN', `client id "${clientId}" is taken by another password`)
    }
    return { client, created, ...(await this.#issueToken(clientId)) }
  }

  find(clientId: string): Promise<Client | undefined> {
    return this.#registry.findClient(clientId)
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
