import { badInput, GatewayError } from '../../errors.ts'
import type { LoginThrottle } from '../limits/login-throttle.ts'
import { networkOf } from '../limits/network-address.ts'
import { checkClientId } from '../model/channel-event.ts'
import type { Cursor } from '../model/cursor.ts'
import type { Identity } from '../model/identity.ts'
import type { Client, ClientBar, ClientRegistry } from '../ports/client-registry.ts'
import { maySubscribe, owns } from '../sessions/authorizer.ts'
import type { ClientBans } from './client-bans.ts'
import {
  checkVisible,
  checkWhole,
  demandPasswords,
  demandRegistration,
  type RegistrationPolicy,
} from './registration.ts'

/** How passwords are kept; implemented by `auth/passwords/passwords.ts`. */
export interface Passwords {
  /** In PHC format, salted. */
  hash(password: string, sender?: Sender): Promise<string>
  /**
   * Whether the password is the one that was hashed. Undefined: there is no such client; takes as
   * long, and is false.
   */
  verify(
    hash: string | undefined,
    password: string,
    /**
     * `onTurn` is called when the check has waited for its turn; what it throws, the check rejects
     * with.
     */
    sender?: Sender & { readonly onTurn?: () => void; readonly suspect?: boolean },
  ): Promise<boolean>
}

/** Who asks for work on a password: it waits in turns by network, and within one by client. */
interface Sender {
  readonly network: string
  readonly client: string
  readonly slowed?: () => boolean
}

/**
 * How a client is given a token for its own channel, issued behind `issuedAfter`; implemented by
 * `auth/tokens/jwt.ts`.
 */
export type IssueToken = (
  clientId: string,
  issuedAfter: Date | undefined,
) => Promise<{ token: string; expiresAt: Date }>

export interface NewClient {
  readonly clientId: string
  readonly name: string
  readonly email: string
  readonly password: string
}

/** Where a registration or a log-in comes from. */
export interface Registrant {
  readonly address: string
  /** Rejects with `UNAUTHENTICATED` for a token that is not valid. */
  readonly caller: () => Promise<Identity>
  /** Of the names of fields in errors. */
  readonly prefix?: string
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

/**
 * A client asks for a channel of its own, and proves with its password that it is the one that
 * asked before.
 */
export class ClientChannels {
  readonly #registry: ClientRegistry
  readonly #passwords: Passwords
  readonly #failures: LoginThrottle
  readonly #issueToken: IssueToken
  readonly #policy: RegistrationPolicy
  readonly #bans: ClientBans
  readonly #position: () => Promise<Cursor>
  /**
   * By everything that was given: who asks for the same at the same time is answered by the same
   * work.
   */
  readonly #underWay = new Map<string, Promise<CreatedClient>>()

  constructor(parts: {
    registry: ClientRegistry
    passwords: Passwords
    failures: LoginThrottle
    issueToken: IssueToken
    policy: RegistrationPolicy
    bans: ClientBans
    /**
     * Where a channel ends just now; rejects with `BROKER_UNAVAILABLE` where that can't be said
     * exactly.
     */
    position: () => Promise<Cursor>
  }) {
    this.#registry = parts.registry
    this.#passwords = parts.passwords
    this.#failures = parts.failures
    this.#issueToken = parts.issueToken
    this.#policy = parts.policy
    this.#bans = parts.bans
    this.#position = parts.position
  }

  /**
   * Repeatable with the same password; with another, `CLIENT_ID_TAKEN`. Many at once make one
   * client. `address`: where the caller is; after too many wrong passwords from there
   * `LIMIT_EXCEEDED`. `caller`: asked only where it matters who registers an id.
   */
  async create(input: NewClient, { prefix = '', address, caller }: Registrant): Promise<CreatedClient> {
    demandPasswords(this.#policy)
    const clientId = checkClientId(input.clientId, `${prefix}clientId`)
    const name = checkText(`${prefix}name`, input.name, maxNameBytes)
    const email = checkText(`${prefix}email`, input.email, maxEmailBytes)
    if (!/^[^\s@]+@[^\s@]+$/.test(email))
      throw badInput(`${prefix}email`, 'expected an address such as name@example.com')
    const password = checkText(`${prefix}password`, input.password, maxPasswordBytes)

    const network = networkOf(address)
    this.#failures.check(clientId, network)

    const key = JSON.stringify([clientId, name, email, password, network])
    const running = this.#underWay.get(key)
    if (running) return { ...(await running), created: false }
    const creating = this.#create({ clientId, name, email, password }, network, { prefix, caller }).finally(() =>
      this.#underWay.delete(key),
    )
    this.#underWay.set(key, creating)
    return creating
  }

  async #create(
    input: NewClient,
    network: string,
    registrant: Required<Pick<Registrant, 'prefix' | 'caller'>>,
  ): Promise<CreatedClient> {
    const { clientId } = input
    const [known, bar] = await Promise.all([
      this.#registry.findClient(clientId),
      this.#registry.findClientBar(clientId),
    ])
    if (bar?.loginLocked) throw lockedOut(clientId)
    const { client, created } = known
      ? { client: known, created: false }
      : await this.#register(input, network, registrant, bar)
    if (!created) await this.#checkPassword(client, input.password, network)
    const issued = await this.#issueToken(clientId, bar?.deletedAt)
    // Meanwhile it may have been deleted, and be somebody else's by now. What is deleted later
    // voids this token.
    const [now, standing] = await Promise.all([
      this.#registry.findClient(clientId),
      this.#registry.findClientBar(clientId),
    ])
    if (standing?.loginLocked) throw lockedOut(clientId)
    const isSame = now?.passwordHash === client.passwordHash
    if (!isSame || standing?.deletedAt?.getTime() !== bar?.deletedAt?.getTime()) {
      throw new GatewayError('CHANNEL_NOT_FOUND', `channel "${clientId}" was deleted`)
    }
    return { client, created, ...issued }
  }

  async #register(
    { clientId, name, email, password }: NewClient,
    network: string,
    { prefix, caller }: Required<Pick<Registrant, 'prefix' | 'caller'>>,
    bar: ClientBar | undefined,
  ): Promise<{ client: Client; created: boolean }> {
    const field = `${prefix}clientId`
    await demandRegistration(this.#policy, { clientId, field, caller })
    checkVisible(field, clientId)
    checkVisible(`${prefix}name`, name)
    checkVisible(`${prefix}email`, email)
    checkWhole(`${prefix}password`, password)
    const passwordHash = await this.#passwords.hash(password, { network, client: clientId })
    // What was published since the deletion was meant for the owner before.
    if (bar?.deletedAt) await this.#bans.begin(clientId, await this.#position())
    return this.#registry.addClient({ clientId, name, email, passwordHash, createdAt: new Date() })
  }

  async #checkPassword({ clientId, passwordHash }: Client, password: string, network: string): Promise<void> {
    let attempt: { settle(matches: boolean): void } | undefined
    let matches = false
    let answered = false
    try {
      matches = await this.#passwords.verify(passwordHash, password, {
        network,
        client: clientId,
        slowed: () => this.#failures.slowed(network),
        suspect: this.#failures.hasMissed(clientId, network),
        onTurn: () => {
          attempt = this.#failures.begin(clientId, network)
        },
      })
      answered = true
    } finally {
      // A check that failed says nothing about the password.
      attempt?.settle(matches || !answered)
    }
    if (!matches) throw new GatewayError('CLIENT_ID_TAKEN', `client id "${clientId}" is taken by another password`)
  }

  find(clientId: string): Promise<Client | undefined> {
    return this.#registry.findClient(clientId)
  }

  /**
   * Channels whose names contain the text, in order, as far as the caller may hear them; not more
   * than a page of them.
   */
  async search(containing: string, caller: Identity): Promise<string[]> {
    // Most may hear one channel, and need no search among all.
    if (!caller.scope.operator && caller.scope.channels.length === 0) {
      const own = caller.clientId
      if (own === undefined || !owns(caller, own) || !own.toLowerCase().includes(containing.toLowerCase())) return []
      return (await this.#registry.findClient(own)) ? [own] : []
    }
    const found: string[] = []
    for (let behind: string | undefined, page = 0; page < maxSearchPages; page += 1) {
      const ids = await this.#registry.findClientIds({ containing, behind, first: searchPage })
      found.push(...ids.filter((id) => maySubscribe(caller, id)))
      if (found.length > maxFound || ids.length < searchPage) break
      behind = ids.at(-1)
    }
    return found.slice(0, maxFound)
  }

  /**
   * Whether there was one. Voids the tokens that Warren issued for it, and bars its past for
   * whoever has the id next.
   */
  async remove(clientId: string): Promise<boolean> {
    if (!(await this.#registry.findClient(clientId))) return false
    // Before the id is free for others.
    await this.#bans.deleted(clientId, await this.#position())
    return this.#registry.removeClient(clientId)
  }
}

function lockedOut(clientId: string): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    `client id "${clientId}" was revoked or banned; an operator opens it again (mutation unban)`,
  )
}

function checkText(field: string, value: unknown, maxBytes: number): string {
  if (typeof value !== 'string' || value.trim() === '') throw badInput(field, 'expected a non-empty string')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) throw badInput(field, `expected at most ${maxBytes} bytes, got ${bytes}`)
  if (/\p{Cc}/u.test(value)) throw badInput(field, 'expected no control characters')
  return value
}
