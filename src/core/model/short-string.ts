import { badInput } from '../../errors.ts'

/**
 * The most bytes that a short string of AMQP holds (AMQP 0-9-1 §4.2.5.3). Names of exchanges and
 * queues, routing keys, header names and the text properties of a message are short strings.
 */
export const maxShortStringBytes = 255

/** Throws `BAD_USER_INPUT` for `field` if the text is too long for a short string. */
export function checkShortString(field: string, text: string): void {
  const bytes = Buffer.byteLength(text)
  if (bytes > maxShortStringBytes) throw badInput(field, `expected at most ${maxShortStringBytes} bytes, got ${bytes}`)
}
