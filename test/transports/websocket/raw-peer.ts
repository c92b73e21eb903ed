import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { upgradeRequest } from '../../support/frames/masked-frames.ts'
import { frameBytes, opcodes } from './client-frames.ts'

/** A TCP connection to a WebSocket server that sends and receives bytes as they are. */
export class RawPeer implements Disposable {
  readonly #socket: Socket
  #received: Buffer[] = []
  #onData: () => void = () => {}
  readonly #ended: Promise<void>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#ended = new Promise((resolve) => {
      socket.once('close', () => resolve())
      socket.once('end', () => resolve())
    })
    socket.on('error', () => {})
    socket.on('data', (piece: Buffer) => {
      this.#received.push(piece)
      this.#onData()
    })
  }

  static async connect(port: number, path: string, headers: readonly string[] = []): Promise<RawPeer> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const peer = new RawPeer(socket)
    await once(socket, 'connect')
    socket.write(upgradeRequest(path, headers))
    const response = await peer.until((bytes) => bytes.includes('\r\n\r\n'))
    const end = response.indexOf('\r\n\r\n') + 4
    if (!response.toString('latin1').startsWith('HTTP/1.1 101 ')) throw new Error(response.toString())
    peer.#received = [response.subarray(end)]
    return peer
  }

  /** Resolves when the system has taken the bytes, or the server has closed the connection. */
  async write(bytes: Buffer): Promise<void> {
    if (!this.#socket.writable) return
    await Promise.race([new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve())), this.#ended])
  }

  async sendText(text: string): Promise<void> {
    await this.write(frameBytes({ opcode: opcodes.text, payload: Buffer.from(text) }))
  }

  /** All bytes received, as soon as they match. */
  async until(matches: (bytes: Buffer) => boolean): Promise<Buffer> {
    while (!matches(this.#joined())) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#onData = resolve
        }),
        this.#ended.then(() => {
          throw new Error(`the server closed the connection after ${JSON.stringify(this.#joined().toString('latin1'))}`)
        }),
      ])
    }
    return this.#joined()
  }

  /** All bytes since the last call, when the server has closed its side. */
  async untilEnd(): Promise<Buffer> {
    await this.#ended
    return this.take()
  }

  take(): Buffer {
    const bytes = this.#joined()
    this.#received = []
    return bytes
  }

  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  #joined(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)]
    return this.#received[0] ?? Buffer.alloc(0)
  }
}
