import { type ListenOptions, listenTcp, type TcpListener } from './listen.ts'

/**
 * Sends back what comes, byte for byte. Who does not read is not read from, so that what waits for
 * it is bounded.
 */
export function openEcho(
  options: ListenOptions & {
    /** How long nothing may pass, either way. */
    idleTimeoutMs: number
  },
): Promise<TcpListener> {
  return listenTcp(options, (socket) => {
    socket.setTimeout(options.idleTimeoutMs, () => socket.destroy())
    socket.pipe(socket)
  })
}
