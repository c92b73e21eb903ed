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

/** How passwords are stored; implemented by `auth/passwords/passwords.ts`. */
export interface Passwords {
  /** Resolves with a salted hash in PHC format. */
  hash(password: string, sender?: Sender): Promise<string>
  /**
   * Whether the password matches the hash. `hash` undefined: there is no such client; then it takes
   * as long and resolves to false.
   */
  verify(
    hash: string | undefined,
    password: string,
    /**
     * Calls `onTurn` when the check has waited for its turn; if that throws, the check rejects with
     * the error.
     */
    sender?: Sender & { readonly onTurn?: () => void; readonly suspect?: boolean },
  ): Promise<boolean>
}

/**
 * The requester of work on a password. Work waits in turns by network, and within one by client.
 */
interface Sender {
  readonly network: string
  readonly client: string
  readonly slowed?: () => boolean
}

/**
 * Issues a token for a client's own channel, dated after `issuedAfter`; implemented by
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

/** The origin of a registration or log-in. */
export interface Registrant {
  readonly address: string
  /** Rejects with `UNAUTHENTICATED` for an invalid token. */
  readonly caller: () => Promise<Identity>
  /** Prefix of field names in errors. */
  readonly prefix?: string
}

export interface CreatedClient {
  readonly client: Client
  readonly token: string
  readonly expiresAt: Date
  /** False if the id already existed with this password. */
  readonly created: boolean
}

/** The most ids in the answer of a search, the ids per registry query, and the most queries. */
const maxFound = 100
const searchPage = 500
const maxSearchPages = 20
const maxNameBytes = 200
const maxEmailBytes = 254 // RFC 5321 §4.5.3.1.3, without the brackets
const maxPasswordBytes = 1024

/**
 * Creates channels for clients. A client requests a channel of its own, and on later requests
 * proves with its password that it is the same client.
 */
export class ClientChannels {
  readonly #registry: ClientRegistry
  readonly #passwords: Passwords
  readonly #failures: LoginThrottle
  readonly #issueToken: IssueToken
  readonly #policy: RegistrationPolicy
  readonly #bans: ClientBans
  readonly #position: () => Promise<Cursor>
  /** Running requests by all of their input: an equal request meanwhile shares the result. */
  readonly #underWay = new Map<string, Promise<CreatedClient>>()

  constructor(parts: {
    registry: ClientRegistry
    passwords: Passwords
    failures: LoginThrottle
    issueToken: IssueToken
    policy: RegistrationPolicy
    bans: ClientBans
    /**
     * The current end of the journal; rejects with `BROKER_UNAVAILABLE` if it is not known exactly.
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
   * Can be repeated with the same password; with another one it throws `CLIENT_ID_TAKEN`.
   * Concurrent calls create one client. `address`: the address of the caller; after too many wrong
   * passwords from it `LIMIT_EXCEEDED`. `caller`: called only if it matters who registers an id.
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
    // Meanwhile the id may have been deleted and may already have another owner. A later deletion
    // invalidates this token.
    const [clientNow, barNow] = await Promise.all([
      this.#registry.findClient(clientId),
      this.#registry.findClientBar(clientId),
    ])
    if (barNow?.loginLocked) throw lockedOut(clientId)
    const isSame = clientNow?.passwordHash === client.passwordHash
    if (!isSame || barNow?.deletedAt?.getTime() !== bar?.deletedAt?.getTime()) {
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
    // Messages published since the deletion were meant for the previous owner.
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
        suspect: this.#failures.hasFailed(clientId, network),
        onTurn: () => {
          attempt = this.#failures.begin(clientId, network)
        },
      })
      answered = true
    } finally {
      // If the check itself failed, it is unknown whether the password is wrong.
      attempt?.settle(matches || !answered)
    }
    if (!matches) throw new GatewayError('CLIENT_ID_TAKEN', `client id "${clientId}" is taken by another password`)
  }

  find(clientId: string): Promise<Client | undefined> {
    return this.#registry.findClient(clientId)
  }

  /**
   * Searches the channels that the caller may subscribe to for names that contain the text. Returns
   * at most `maxFound` names, in order.
   */
  async search(containing: string, caller: Identity): Promise<string[]> {
    // Most callers may subscribe to one channel only, which needs no search.
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
   * Deletes a client; resolves with whether it existed. Invalidates the tokens that Warren issued
   * for it, and hides its past messages from the next owner of the id.
   */
  async remove(clientId: string): Promise<boolean> {
    if (!(await this.#registry.findClient(clientId))) return false
    // Before others can take the id.
    await this.#bans.deleted(clientId, await this.#position())
    return this.#registry.removeClient(clientId)
  }
}

function lockedOut(clientId: string): GatewayError {
  return new GatewayError(
    'FORBIDDEN',
    `client id "${clientId}" was revoked or banned; an operator can lift that (mutation unban)`,
  )
}

function checkText(field: string, value: unknown, maxBytes: number): string {
  if (typeof value !== 'string' || value.trim() === '') throw badInput(field, 'expected a non-empty string')
  const bytes = Buffer.byteLength(value)
  if (bytes > maxBytes) throw badInput(field, `expected at most ${maxBytes} bytes, got ${bytes}`)
  if (/\p{Cc}/u.test(value)) throw badInput(field, 'expected no control characters')
  return value
}
