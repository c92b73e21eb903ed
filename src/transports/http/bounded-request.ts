import { IncomingMessage } from 'node:http'
import { networkOf } from '../../core/limits/network-address.ts'
import { SharedBytes } from '../../core/limits/shared-bytes.ts'
import { addressOf } from './peer-address.ts'

/**
 * Why the rest of a body is refused. `too-large`: the body is larger than its sender may send.
 * `too-many`: the bodies that are being received hold too many bytes.
 */
export type BodyRefusal = 'too-large' | 'too-many'

/**
 * Bodies that are being received may hold this many times the largest body: for one address, and
 * for all together.
 */
const addressFactor = 4
const totalFactor = 16

export interface BoundedRequest extends IncomingMessage {
  readonly bodyBytes: number
  /** From now on at most `maxBytes` are accepted. */
  limitBody(maxBytes: number): void
  /**
   * Called once, when the rest of the body is refused. The rest is dropped, and the reader sees a
   * body that was cut short.
   */
  onRefused: (why: BodyRefusal) => void
  /** Call it when the body is no longer in memory. May be called again. */
  releaseBody(): void
}

type RequestClass = typeof IncomingMessage & (new (socket: IncomingMessage['socket']) => BoundedRequest)

/**
 * Makes the class of a server's requests. Each request counts its body as it arrives, because a
 * chunked body does not announce its size. The bytes of all bodies are bounded for each address and
 * together.
 */
export function boundedRequest(maxBytes: number, proxyHops: number): RequestClass {
  const bodies = new SharedBytes(() => ({ each: maxBytes * addressFactor, total: maxBytes * totalFactor }))
  return class extends IncomingMessage implements BoundedRequest {
    bodyBytes = 0
    onRefused = (): void => {}
    #max = maxBytes
    #held = 0
    #network: string | undefined
    #refused = false
    #released = false

    /** Node's parser calls it with each piece of the body, and with null at its end. */
    override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
      if (piece === null) return super.push(null)
      this.bodyBytes += piece.length
      if (!this.#refused) this.#take(piece.length)
      return this.#refused ? true : super.push(piece, encoding)
    }

    limitBody(max: number): void {
      this.#max = Math.min(max, maxBytes)
      if (this.bodyBytes > this.#max) this.#refuse('too-large')
    }

    releaseBody(): void {
      this.#released = true
      if (this.#held > 0) bodies.hold(this.#network, -this.#held)
      this.#held = 0
    }

    #take(bytes: number): void {
      if (this.bodyBytes > this.#max) return this.#refuse('too-large')
      // Already answered: Node drops what still arrives.
      if (this.#released) return
      this.#network ??= networkOf(addressOf(this, proxyHops))
      if (!bodies.hasRoom(this.#network, bytes)) return this.#refuse('too-many')
      this.#held += bytes
      bodies.hold(this.#network, bytes)
    }

    #refuse(why: BodyRefusal): void {
      if (this.#refused) return
      this.#refused = true
      ;(this.onRefused as (why: BodyRefusal) => void)(why)
    }
  }
}
