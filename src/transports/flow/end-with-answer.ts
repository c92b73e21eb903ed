import type { Duplex } from 'node:stream'

/** How long a peer may take to read a refusal and to close, in milliseconds. */
const deadlineMs = 2_000

/**
 * Writes a last text and ends the socket. Destroys it after `deadlineMs`. An idle timeout would not
 * do: a peer that keeps sending, or keeps its half open, would stay connected.
 */
export function endWith(socket: Duplex, text: string, encoding: BufferEncoding = 'utf8'): void {
  const deadline = setTimeout(() => socket.destroy(), deadlineMs)
  socket.once('close', () => clearTimeout(deadline))
  socket.resume()
  socket.end(text, encoding)
}
