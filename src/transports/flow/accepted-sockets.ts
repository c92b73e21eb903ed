import type { Socket } from 'node:net'
import type { AcceptedSocket, Connections } from '../../core/sessions/connections.ts'
import { GatewayError } from '../../errors.ts'

/**
 * Sockets of a listener in addition to WARREN_MAX_CONNECTIONS: requests, and clients that get a
 * refusal with its reason. Beyond this number a socket is destroyed without an answer.
 */
export const extraSockets = 1_000

const accepted = new WeakMap<object, AcceptedSocket>()

/**
 * Counts the socket until it closes. `address` is undefined behind a proxy: the first request then
 * names the client's address. Returns false if the address has far too many sockets, or the process
 * has no file for it; the socket is then destroyed.
 */
export function acceptSocket(socket: Socket, connections: Connections, address: string | undefined): boolean {
  try {
    const counted = connections.accept(address)
    accepted.set(socket, counted)
    socket.once('close', () => counted.close())
    return true
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    socket.destroy()
    return false
  }
}

/** Returns the count of a socket that `acceptSocket` accepted; undefined for any other stream. */
export function acceptedOn(stream: object): AcceptedSocket | undefined {
  return accepted.get(stream)
}
