import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Returns the size of the next piece in bytes; called with the position of its first byte in the
 * stream.
 */
export type Cut = (offset: number) => number

export interface SplittingProxy extends AsyncDisposable {
  readonly port: number
}

/** Long enough for the other side to read a piece before the next arrives, in milliseconds. */
const betweenMs = 2

/**
 * Forwards bytes in different pieces: several writes leave as one, and one write leaves as several.
 * It calls `cuts` once for each connection and direction.
 */
export async function splittingProxy(targetPort: number, cuts: () => Cut): Promise<SplittingProxy> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    for (const side of [client, upstream]) {
      sockets.add(side)
      side.on('error', () => {})
      side.once('close', (hadError) => {
        sockets.delete(side)
        // An orderly end is forwarded after the data.
        if (!hadError) return
        client.destroy()
        upstream.destroy()
      })
    }
    void pass(client, upstream, cuts())
    void pass(upstream, client, cuts())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function pass(from: Socket, to: Socket, cut: Cut): Promise<void> {
  let held = Buffer.alloc(0)
  let ended = false
  let wake = () => {}
  from.on('data', (piece: Buffer) => {
    held = Buffer.concat([held, piece])
    wake()
  })
  from.once('end', () => {
    ended = true
    wake()
  })
  for (let offset = 0; ; ) {
    if (held.length === 0) {
      if (ended) break
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      continue
    }
    const wanted = Math.max(1, cut(offset))
    // The rest of the piece may be about to arrive. If it does not arrive, the piece is sent as it
    // is.
    if (held.length < wanted && !ended) await pause(betweenMs)
    const piece = held.subarray(0, wanted)
    held = held.subarray(piece.length)
    offset += piece.length
    if (to.destroyed) return
    to.write(piece)
    if (held.length > 0) await pause(betweenMs)
  }
  to.end()
}
