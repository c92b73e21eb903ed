import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { type Duplex, pipeline } from 'node:stream'

/** How long the network stays cut, in milliseconds. The page names it in its texts. */
const cutMs = 5_000

/**
 * Passes the WebSockets of the page to the gateway, as the network between them. When it is cut, it
 * resets all connections without a close frame, and new ones too.
 */
export class CuttableNetwork {
  readonly #gateway: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Duplex>()
  #repairing: NodeJS.Timeout | undefined

  constructor(gateway: { host: string; port: number }) {
    this.#gateway = gateway
  }

  get isCut(): boolean {
    return this.#repairing !== undefined
  }

  cut(): void {
    clearTimeout(this.#repairing)
    this.#repairing = setTimeout(() => {
      this.#repairing = undefined
    }, cutMs)
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Handles `upgrade` of an HTTP server. */
  pass({ method, url, rawHeaders }: IncomingMessage, page: Duplex, head: Buffer): void {
    if (this.isCut) {
      page.destroy()
      return
    }
    const gateway = connect({ ...this.#gateway, noDelay: true })
    const fields = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? `${name}: ${rawHeaders[at + 1]}\r\n` : []))
    gateway.write(`${method} ${url} HTTP/1.1\r\n${fields.join('')}\r\n`, 'latin1')
    gateway.write(head)
    for (const socket of [page, gateway]) this.#sockets.add(socket)
    // Each ends the other, and a slow one slows the other.
    pipeline(page, gateway, page, () => {
      for (const socket of [page, gateway]) {
        this.#sockets.delete(socket)
        socket.destroy()
      }
    })
  }

  close(): void {
    clearTimeout(this.#repairing)
    for (const socket of this.#sockets) socket.destroy()
  }
}
