import * as fc from 'fast-check'
import { pick, weighted } from '../property.ts'

const numbers = [
  '0 -0 1 -1 10 0.1 1.0 1.50 123.456 -0.5 -0.0 01 .5 1. +1 - 1e3 1E3 1e21 1e400 5e-324 2.2250738585072014e-308',
  '0.000001 0.0000001 0.00000123 0.123456789012345 0.1234567890123456 0.30000000000000004 48.858844',
  '123456789012345 1234567890123456 12345678901234567 9007199254740992 9007199254740993 100000000000000000000 1000000000000000000000',
].flatMap((line) => line.split(' '))
const strings = [
  '"" "a" "b" "ü" "日本" "🐇" "/" "__proto__" "toJSON" "constructor" "then" "1" "01" "-1" "1.5" "4294967295" "99999999999"',
  String.raw`"\u00fc" "\ud800" "\ud83d\udc07" "\/" "\"" "\\" "\n" "\u000a" "\u0000" "\u001f" "\u001F" "\b\f\r\t" "\x"`,
  `"\u007f" "\u2028" "\n" "\t" "${'x'.repeat(300)}"`,
].flatMap((line) => line.split(' '))

const leaf = weighted([25, pick(...numbers)], [25, pick(...strings)], [5, pick('true', 'false', 'null', 'nul', 'True')])
const depthIdentifier = 'json'
const { text } = fc.letrec<{ text: string }>((tie) => {
  const colon = weighted([19, pick(':')], [1, pick(' : ')])
  const member = fc.tuple(pick(...strings), colon, tie('text')).map((parts) => parts.join(''))
  const listOf = (items: fc.Arbitrary<string>, [open, close]: readonly [string, string]) =>
    fc.array(items, { maxLength: 4 }).map((made) => `${open}${made.join(',')}${close}`)
  return {
    text: fc.oneof(
      { depthIdentifier, maxDepth: 4 },
      { weight: 55, arbitrary: leaf },
      { weight: 25, arbitrary: listOf(member, ['{', '}']) },
      { weight: 20, arbitrary: listOf(tie('text'), ['[', ']']) },
    ),
  }
})

/** JSON, or text that resembles it. About every other one is canonical. */
export const anyJsonText: fc.Arbitrary<string> = fc.tuple(text, fc.boolean()).map(([made, asPrinted]) => {
  if (!asPrinted) return made
  try {
    return JSON.stringify(JSON.parse(made))
  } catch {
    return made
  }
})

const likelyByte = pick(...Buffer.from('{}[]:,"\\ 0123456789.-+eEtrufalsn\nü/'))
interface Change {
  /** Where in the text, from 0 to below 1. */
  readonly at: number
  readonly byte: number
  readonly inserts: boolean
  readonly removes: boolean
}
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byte: weighted([7, likelyByte], [3, fc.nat(255)]),
  inserts: weighted([7, pick(true)], [3, pick(false)]),
  removes: fc.boolean(),
})
const changes = weighted([1, fc.constant<readonly Change[]>([])], [1, fc.array(change, { minLength: 1, maxLength: 2 })])

/** Texts of `of`, with one or two bytes changed, removed or inserted in about every other one. */
export function mutated(of: fc.Arbitrary<string>): fc.Arbitrary<Buffer> {
  return fc.tuple(of, changes).map(([given, list]) =>
    list.reduce((bytes, { at: place, byte, inserts, removes }) => {
      const at = Math.floor(place * bytes.length)
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(inserts ? [byte] : []),
        bytes.subarray(removes ? at + 1 : at),
      ])
    }, Buffer.from(given)),
  )
}
