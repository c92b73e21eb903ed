import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { Transform } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

export interface TcpProxy extends AsyncDisposable {
  readonly port: number
  /** The number of open connections. */
  readonly connections: number
  /** The number of connections accepted since the start. */
  readonly accepted: number
  /**
   * Half-open, as behind a dead switch: nothing passes in either direction, no FIN or RST, and
   * neither side is notified. Senders continue until the buffers of the system are full. New
   * connections are accepted and stay silent.
   */
  pause(): void
  /** Forwards the held bytes, as TCP would by retransmission. After `cut` none are left. */
  resume(): void
  /** Resets every connection on both sides. New connections are accepted. */
  cut(): void
  /** Limits each connection and direction to this rate; `Infinity` removes the limit. */
  slow(bytesPerSecond: number): void
  close(): Promise<void>
}

const slicesPerSecond = 20

/** Forwards to a port of this machine and breaks the network on demand. */
export async function tcpProxy(targetPort: number, targetHost = '127.0.0.1'): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let accepted = 0
  let rate = Number.POSITIVE_INFINITY
  let open: Promise<void> = Promise.resolve()
  let reopen = () => {}
  let paused = false

  const valve = () =>
    new Transform({
      async transform(chunk: Buffer, _encoding, done) {
        for (let rest = chunk; rest.length > 0; ) {
          const slice = rest.subarray(
            0,
            Number.isFinite(rate) ? Math.max(1, Math.ceil(rate / slicesPerSecond)) : rest.length,
          )
          rest = rest.subarray(slice.length)
          if (Number.isFinite(rate)) await pause((slice.length / rate) * 1_000)
          await open
          this.push(slice)
        }
        done()
      },
      async flush(done) {
        await open
        done()
      },
    })

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted++
    const upstream = connect({ port: targetPort, host: targetHost, allowHalfOpen: true, noDelay: true })
    const pair = [client, upstream] as const
    pairs.add(pair)
    client.pipe(valve()).pipe(upstream)
    upstream.pipe(valve()).pipe(client)
    for (const [side, other] of [pair, [upstream, client] as const]) {
      side.on('error', () => {})
      side.once('close', (hadError) => {
        if (other.destroyed) pairs.delete(pair)
        // An orderly end is forwarded after the data, through the valve.
        if (!hadError && side.readableEnded) return
        // Held while paused, as the data.
        void open.then(() => reset(other))
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')

  const cut = () => {
    for (const pair of pairs) for (const side of pair) reset(side)
  }
  const resume = () => {
    paused = false
    reopen()
  }
  const close = async () => {
    cut()
    resume()
    await new Promise((resolve) => server.close(resolve))
  }
  return {
    port: address.port,
    get connections() {
      return pairs.size
    },
    get accepted() {
      return accepted
    },
    pause() {
      if (paused) return
      paused = true
      open = new Promise((resolve) => {
        reopen = resolve
      })
    },
    resume,
    cut,
    slow(bytesPerSecond) {
      rate = bytesPerSecond
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/**
 * Node cannot reset a socket while it sends its end, and would then leave its handle open
 * (net.Socket, `_destroy`).
 */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
