import { KeyedLimit } from '../limits/keyed-limit.ts'
import { networkOf } from '../limits/network-address.ts'
import { hasIdentity, type Identity } from '../model/identity.ts'
import { payerOf } from './payer.ts'

export interface ConnectionLimits {
  readonly maxConnections: number
  /** Of those without an identity; undefined: a tenth of all, at least 10. */
  readonly maxConnectionsPerAddress: number | undefined
  /** Of those with one; undefined: half of all, at least 10. */
  readonly maxConnectionsPerClient: number | undefined
}

/**
 * How many sockets beyond the limit an address may have for as long as it takes to say who they
 * are: without them, whoever fills the limit of an address would keep out the clients behind the
 * same address that have a token.
 */
const unsaidExtra = 100

/** By default, however few connections there may be in all. */
const leastShare = 10

/**
 * Who pays for which connection. Without an identity it is its address, from the moment the socket
 * was accepted; with one it is its client id, or the address again where its token names no client,
 * then against the limit of a client.
 */
export class Connections {
  readonly #ofAddress: KeyedLimit
  readonly #ofClient: KeyedLimit

  /** `limits`: looked at each time, because they may change while the gateway runs. */
  constructor(limits: ConnectionLimits) {
    this.#ofAddress = new KeyedLimit(
      () => limits.maxConnectionsPerAddress ?? Math.max(leastShare, Math.floor(limits.maxConnections / 10)),
      'WARREN_MAX_CONNECTIONS_PER_ADDRESS',
      'connections without an identity from one address',
    )
    this.#ofClient = new KeyedLimit(
      () => limits.maxConnectionsPerClient ?? Math.max(leastShare, Math.floor(limits.maxConnections / 2)),
      'WARREN_MAX_CONNECTIONS_PER_CLIENT',
      'connections of one client',
    )
  }

  /**
   * A socket that was just accepted. Throws `LIMIT_EXCEEDED` where its address has far too many.
   * Undefined: the address is not known yet.
   */
  accept(address: string | undefined): AcceptedSocket {
    const socket = new AcceptedSocket(this.#ofAddress)
    if (address !== undefined) socket.calledFrom(address)
    return socket
  }

  /** The place of a session. Throws `LIMIT_EXCEEDED`. */
  seat(identity: Identity, address: string | undefined): Seat {
    return new Seat(this.#ofAddress, this.#ofClient, identity, address)
  }
}

/**
 * A socket from its accept to its close. While sessions are on it they are counted in its place.
 */
export class AcceptedSocket {
  readonly #ofAddress: KeyedLimit
  #network: string | undefined
  #release: () => void = () => undefined
  #sessions = 0

  constructor(ofAddress: KeyedLimit) {
    this.#ofAddress = ofAddress
  }

  /** Who pays from now on. Throws `LIMIT_EXCEEDED`. */
  calledFrom(address: string): void {
    const network = networkOf(address)
    if (network === this.#network) return
    const release = this.#sessions > 0 ? () => undefined : this.#ofAddress.take(network, unsaidExtra)
    this.#release()
    this.#network = network
    this.#release = release
  }

  /** A session has begun on it; call what is returned when it has ended. */
  carry(): () => void {
    if (this.#sessions === 0) this.#release()
    this.#sessions += 1
    let carries = true
    return () => {
      if (!carries) return
      carries = false
      this.#sessions -= 1
      // It was there before: nobody is turned away.
      if (this.#sessions === 0) this.#release = this.#ofAddress.take(this.#network, Number.POSITIVE_INFINITY)
    }
  }

  close(): void {
    this.#release()
    this.#network = undefined
  }
}

/** The place of one session, which its identity pays for. */
export class Seat {
  readonly #ofAddress: KeyedLimit
  readonly #ofClient: KeyedLimit
  readonly #address: string | undefined
  #isKnown: boolean
  #payer: string | undefined
  #release: () => void

  constructor(ofAddress: KeyedLimit, ofClient: KeyedLimit, identity: Identity, address: string | undefined) {
    this.#ofAddress = ofAddress
    this.#ofClient = ofClient
    this.#address = address
    this.#isKnown = hasIdentity(identity)
    this.#payer = payerOf(identity, address)
    this.#release = this.#take()
  }

  /**
   * The session goes on as somebody else, or as somebody at all. Throws `LIMIT_EXCEEDED`: then all
   * stays as it was.
   */
  passTo(identity: Identity): void {
    const before = { isKnown: this.#isKnown, payer: this.#payer }
    this.#isKnown = hasIdentity(identity)
    this.#payer = payerOf(identity, this.#address)
    if (this.#isKnown === before.isKnown && this.#payer === before.payer) return
    try {
      const release = this.#take()
      this.#release()
      this.#release = release
    } catch (error) {
      this.#isKnown = before.isKnown
      this.#payer = before.payer
      throw error
    }
  }

  release(): void {
    this.#release()
  }

  #take(): () => void {
    if (this.#isKnown) return this.#ofClient.take(this.#payer)
    return this.#ofAddress.take(this.#address === undefined ? undefined : networkOf(this.#address))
  }
}
