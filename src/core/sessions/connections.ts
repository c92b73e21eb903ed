import { GatewayError } from '../../errors.ts'
import { HeldItem, KeyedLimit } from '../limits/keyed-limit.ts'
import { networkOf } from '../limits/network-address.ts'
import { hasToken, type Identity } from '../model/identity.ts'
import { payerOf } from './payer.ts'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Per address, for connections without an identity; undefined: a tenth of all, at least 10. */
  readonly maxConnectionsPerAddress: number | undefined
  /** Per client, for connections with an identity; undefined: half of all, at least 10. */
  readonly maxConnectionsPerClient: number | undefined
}

/** The sockets that the process can have open. Beyond them it could not reach its broker either. */
export interface SocketRoom {
  readonly most: number
  /** Called at each socket for which there is no room. */
  readonly onFull: () => void
}

const unbounded: SocketRoom = { most: Number.POSITIVE_INFINITY, onFull: () => undefined }

/**
 * How many sockets beyond its limit an address may have while they have not authenticated yet.
 * Otherwise a caller that fills the limit of an address would lock out clients with a token behind
 * the same address.
 */
const unauthenticatedExtra = 100

/** The smallest default, for small values of `maxConnections`. */
const leastShare = 10

export function connectionsPerAddress({ maxConnectionsPerAddress, maxConnections }: ConnectionLimits): number {
  return maxConnectionsPerAddress ?? Math.max(leastShare, Math.floor(maxConnections / 10))
}

export function connectionsPerClient({ maxConnectionsPerClient, maxConnections }: ConnectionLimits): number {
  return maxConnectionsPerClient ?? Math.max(leastShare, Math.floor(maxConnections / 2))
}

/**
 * Charges each connection to a payer. Without an identity that is its address, from the accept of
 * the socket. With an identity it is the client id; if the token names no client, it is the
 * address, under the limit of a client.
 */
export class Connections {
  readonly #ofAddress: KeyedLimit
  readonly #ofClient: KeyedLimit
  readonly #room: SocketRoom
  /** Shared with the sockets. */
  readonly #open = { sockets: 0 }

  /** `limits`: read on each use, because they may change while the gateway runs. */
  constructor(limits: ConnectionLimits, room: SocketRoom = unbounded) {
    this.#room = room
    this.#ofAddress = new KeyedLimit(
      () => connectionsPerAddress(limits),
      'WARREN_MAX_CONNECTIONS_PER_ADDRESS',
      'connections without an identity from one address',
    )
    this.#ofClient = new KeyedLimit(
      () => connectionsPerClient(limits),
      'WARREN_MAX_CONNECTIONS_PER_CLIENT',
      'connections of one client',
    )
  }

  /**
   * Called for each accepted socket. Throws `LIMIT_EXCEEDED` if its address has too many, or the
   * process. `address` undefined: not known yet.
   */
  accept(address: string | undefined): AcceptedSocket {
    if (this.#open.sockets >= this.#room.most) {
      this.#room.onFull()
      throw new GatewayError('LIMIT_EXCEEDED', 'the process has too many open files', { limit: 'open files' })
    }
    const socket = new AcceptedSocket(this.#ofAddress, this.#open)
    if (address !== undefined) socket.setAddress(address)
    this.#open.sockets += 1
    return socket
  }

  /** Takes a slot for a session. Throws `LIMIT_EXCEEDED`. */
  takeSlot(identity: Identity, address: string | undefined): ConnectionSlot {
    return new ConnectionSlot(this.#ofAddress, this.#ofClient, identity, address)
  }
}

/**
 * A socket from accept to close. While it carries sessions, their slots are counted instead of it.
 */
export class AcceptedSocket {
  readonly #ofAddress: KeyedLimit
  /** Undefined once it is closed. */
  #open: { sockets: number } | undefined
  #network: string | undefined
  #item = HeldItem.nothing
  #sessions = 0

  constructor(ofAddress: KeyedLimit, open: { sockets: number }) {
    this.#ofAddress = ofAddress
    this.#open = open
  }

  /** Charges the socket to this address from now on. Throws `LIMIT_EXCEEDED`. */
  setAddress(address: string): void {
    const network = networkOf(address)
    if (network === this.#network) return
    const item = this.#sessions > 0 ? HeldItem.nothing : this.#ofAddress.take(network, unauthenticatedExtra)
    this.#item.release()
    this.#network = network
    this.#item = item
  }

  /** Called when a session begins on the socket; call the result when the session has ended. */
  attachSession(): () => void {
    this.#item.release()
    this.#sessions += 1
    let attached = true
    return () => {
      if (!attached) return
      attached = false
      this.#sessions -= 1
      // The connection existed before, so it is not rejected.
      if (this.#sessions === 0) this.#item = this.#ofAddress.take(this.#network, Number.POSITIVE_INFINITY)
    }
  }

  close(): void {
    this.#item.release()
    this.#network = undefined
    if (this.#open) this.#open.sockets -= 1
    this.#open = undefined
  }
}

/** The slot of one session, charged to its identity. */
export class ConnectionSlot {
  readonly #ofAddress: KeyedLimit
  readonly #ofClient: KeyedLimit
  readonly #address: string | undefined
  #isKnown: boolean
  #payer: string | undefined
  #item: HeldItem

  constructor(ofAddress: KeyedLimit, ofClient: KeyedLimit, identity: Identity, address: string | undefined) {
    this.#ofAddress = ofAddress
    this.#ofClient = ofClient
    this.#address = address
    this.#isKnown = hasToken(identity)
    this.#payer = payerOf(identity, address)
    this.#item = this.#take()
  }

  /**
   * Charges the slot to another identity when the session logs in or changes its token. Throws
   * `LIMIT_EXCEEDED`; then nothing changes.
   */
  chargeTo(identity: Identity): void {
    const before = { isKnown: this.#isKnown, payer: this.#payer }
    this.#isKnown = hasToken(identity)
    this.#payer = payerOf(identity, this.#address)
    if (this.#isKnown === before.isKnown && this.#payer === before.payer) return
    try {
      const item = this.#take()
      this.#item.release()
      this.#item = item
    } catch (error) {
      this.#isKnown = before.isKnown
      this.#payer = before.payer
      throw error
    }
  }

  release(): void {
    this.#item.release()
  }

  #take(): HeldItem {
    if (this.#isKnown) return this.#ofClient.take(this.#payer)
    return this.#ofAddress.take(this.#address === undefined ? undefined : networkOf(this.#address))
  }
}
