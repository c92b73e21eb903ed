import type { Duplex } from 'node:stream'

/** How long a peer may take to read a refusal and to close, in milliseconds. */
const deadlineMs = 2_000

/**
 * Says a last thing and ends. Not by how long the peer is silent: one that keeps sending, or that
 * leaves its half open, would stay.
 */
export function endWith(socket: Duplex, text: string, encoding: BufferEncoding = 'utf8'): void {
  const deadline = setTimeout(() => socket.destroy(), deadlineMs)
  socket.once('close', () => clearTimeout(deadline))
  socket.resume()
  socket.end(text, encoding)
}
