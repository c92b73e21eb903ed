import { IncomingMessage } from 'node:http'
import { networkOf } from '../../core/limits/network-address.ts'
import { SharedBytes } from '../../core/limits/shared-bytes.ts'
import { addressOf } from './peer-address.ts'

/**
 * Why no more of a body is taken: it is larger than its sender may send, or there are too many
 * bytes of bodies at once.
 */
export type BodyRefusal = 'too-large' | 'too-many'

/**
 * Bodies of requests under way may hold so many times the largest one: of one address, and
 * together.
 */
const addressFactor = 4
const totalFactor = 16

export interface BoundedRequest extends IncomingMessage {
  readonly bodyBytes: number
  /** From now on no more than this is taken. */
  limitBody(maxBytes: number): void
  /**
   * Called once, when no more of the body is taken. The rest is dropped; whoever reads the body
   * finds it cut off.
   */
  onRefused: (why: BodyRefusal) => void
  /** Nobody holds the body any more; idempotent. */
  releaseBody(): void
}

type RequestClass = typeof IncomingMessage & (new (socket: IncomingMessage['socket']) => BoundedRequest)

/**
 * The class of requests of a server: each counts its body as it comes, because a chunked one says
 * nothing of its size beforehand. What all hold at once is bounded by address and together.
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

    /** What Node's parser calls with each piece of the body, and with null at its end. */
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
      // It has been answered, and Node drops what still comes.
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
