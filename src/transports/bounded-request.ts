import { IncomingMessage } from 'node:http'

export interface BoundedRequest extends IncomingMessage {
  bodyBytes: number
  /** Called once, when more of the body has come than is taken. The rest is dropped; whoever reads the body finds it cut off. */
  onOversize: () => void
}

type RequestClass = typeof IncomingMessage & (new (socket: IncomingMessage['socket']) => BoundedRequest)

/** The class of requests of a server: each counts its body as it comes, for a chunked one says nothing of its size beforehand. */
export function boundedRequest(maxBytes: number): RequestClass {
  return class extends IncomingMessage implements BoundedRequest {
    bodyBytes = 0
    onOversize = (): void => {}

    /** What Node's parser calls with each piece of the body, and with null at its end. */
    override push(piece: Buffer | null, encoding?: BufferEncoding): boolean {
      const before = this.bodyBytes
      this.bodyBytes += piece?.length ?? 0
      if (this.bodyBytes <= maxBytes) return super.push(piece, encoding)
      if (before <= maxBytes) this.onOversize()
      return piece === null ? super.push(null) : true
    }
  }
}
