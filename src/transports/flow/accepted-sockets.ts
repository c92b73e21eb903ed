import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
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
 * names the client's address. `onClose` is called when an accepted socket has closed. Returns false
 * if the address has far too many sockets, or the process has no file for it; the socket is then
 * destroyed.
 */
export function acceptSocket(
  socket: Socket,
  connections: Connections,
  address: string | undefined,
  onClose: () => void,
): boolean {
  try {
    const counted = connections.accept(address)
    accepted.set(socket, counted)
    // One listener, and not with `once`, because each connection keeps it: a second one and a third
    // one, such as that of Node's HTTP server, would take 450 bytes.
    socket.on('close', () => {
      counted.close()
      onClose()
    })
    return true
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    socket.destroy()
    return false
  }
}

/** Destroys the socket at an error. All share one listener, because each connection keeps it. */
export function destroyOnError(socket: Duplex): void {
  socket.on('error', destroy)
}

function destroy(this: Duplex): void {
  this.destroy()
}

/** Returns the count of a socket that `acceptSocket` accepted; undefined for any other stream. */
export function acceptedOn(stream: object): AcceptedSocket | undefined {
  return accepted.get(stream)
}
