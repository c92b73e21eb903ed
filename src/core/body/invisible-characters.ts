import { printJson } from '../json/print-json.ts'

/**
 * Invisible characters, and those that reorder the text around them: zero-width ones, bidi
 * controls, line separators, variation selectors, fillers, and halves of surrogate pairs. With them
 * two ids can look alike, and a log line can look like another one. Defined by Unicode properties
 * (UAX #44), so that characters of later versions are included.
 */
const hidden = String.raw`\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Bidi_Control}`
const anyHidden = new RegExp(`[${hidden}]`, 'u')
const everyHidden = new RegExp(`[${hidden}]`, 'gu')

/** The first hidden character of a text, as `U+200B`; undefined if it has none. */
export function hiddenIn(text: string): string | undefined {
  const character = anyHidden.exec(text)?.[0]
  return character === undefined ? undefined : `U+${codeOf(character).toString(16).toUpperCase().padStart(4, '0')}`
}

/** Prints each hidden character as `\u{200b}`, so that people see it. */
export function showHidden(text: string): string {
  return text.replace(everyHidden, escapedCharacter)
}

/**
 * Prints JSON with hidden characters escaped; it parses to the same value. Without `indent`,
 * numbers keep their digits.
 */
export function visibleJson(value: unknown, indent?: number): string {
  const units = (character: string) =>
    character.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  const text = indent === undefined ? (printJson(value) ?? 'null') : JSON.stringify(value, undefined, indent)
  return text.replace(everyHidden, (character) =>
    units(character)
      .map((unit) => `\\u${unit}`)
      .join(''),
  )
}

export function escapedCharacter(character: string): string {
  return `\\u{${codeOf(character).toString(16)}}`
}

function codeOf(character: string): number {
  return character.codePointAt(0) ?? 0
}
