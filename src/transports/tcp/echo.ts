import { type ListenOptions, listenTcp, type TcpListener } from './listen.ts'

/**
 * Sends back every byte that it receives. If a client does not read, the gateway stops reading from
 * it, so that the waiting bytes are bounded.
 */
export function openEcho(
  options: ListenOptions & {
    /** How long a connection may have no traffic in either direction, in milliseconds. */
    idleTimeoutMs: number
  },
): Promise<TcpListener> {
  return listenTcp(options, (socket) => {
    socket.setTimeout(options.idleTimeoutMs, () => socket.destroy())
    socket.pipe(socket)
  })
}
