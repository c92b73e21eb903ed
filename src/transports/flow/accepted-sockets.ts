import type { Socket } from 'node:net'
import type { AcceptedSocket, Connections } from '../../core/sessions/connections.ts'
import { GatewayError } from '../../errors.ts'

const accepted = new WeakMap<object, AcceptedSocket>()

/**
 * Counts a socket from here to its close. `address`: undefined where a proxy will say it later.
 * False: its address has far too many, and it was destroyed.
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

/** How a socket is counted that was accepted above; undefined for any other stream. */
export function acceptedOn(stream: object): AcceptedSocket | undefined {
  return accepted.get(stream)
}
