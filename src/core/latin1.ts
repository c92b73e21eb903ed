/** The UTF-8 bytes of a text, a character each: what `Outbox.push` takes. */
export function latin1Of(text: string): string {
  return Buffer.byteLength(text) === text.length ? text : Buffer.from(text).toString('latin1')
}
