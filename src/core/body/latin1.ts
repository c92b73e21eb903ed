/**
 * Returns the same text as one flat string. JavaScript keeps a concatenated string as its parts:
 * keeping it keeps all of them, and each write joins them again.
 */
export function inOnePiece(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('latin1')
}

/** The UTF-8 bytes of a text, one character for each byte: the input of `Outbox.push`. */
export function latin1Of(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
