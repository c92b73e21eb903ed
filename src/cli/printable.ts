import { TextDecoder } from 'node:util'
import { escapedCharacter, showHidden } from '../core/body/invisible-characters.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Escapes text from the wire for a terminal: every invisible character, and the backslash. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\]/gu, escape)
}

/**
 * The lines of an error. Escapes control characters, so that text from the wire cannot control the
 * terminal.
 */
export function printableLines(text: string): string {
  return showHidden(text).replace(/[^\P{Cc}\n\t]/gu, escapedCharacter)
}

/**
 * The first bytes of a body: text if they are UTF-8, else escaped bytes. `…` marks a longer body.
 */
export function firstBytes(body: Buffer, count: number): string {
  const bytes = body.subarray(0, count)
  const more = body.length > count ? '…' : ''
  // The cut may split a character of up to four bytes.
  const slack = more === '' ? 0 : Math.min(3, bytes.length)
  for (let cut = 0; cut <= slack; cut += 1) {
    try {
      return printable(utf8.decode(bytes.subarray(0, bytes.length - cut))) + more
    } catch {}
  }
  return [...bytes].map(printableByte).join('') + more
}

const short = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\\', '\\\\'],
])

function escape(character: string): string {
  return short.get(character) ?? escapedCharacter(character)
}

function printableByte(byte: number): string {
  return byte >= 0x20 && byte < 0x7f && byte !== 0x5c
    ? String.fromCharCode(byte)
    : `\\x${byte.toString(16).padStart(2, '0')}`
}
