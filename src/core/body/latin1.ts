/**
 * The same text as one piece. JavaScript keeps a text that was put together in its pieces: whoever
 * keeps it keeps them all, and whoever writes it puts them together anew each time.
 */
export function inOnePiece(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('latin1')
}

/** The UTF-8 bytes of a text, one character for each byte: the input of `Outbox.push`. */
export function latin1Of(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
