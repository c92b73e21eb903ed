import type { Seeded } from '../../ledger/seeded.ts'

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

/** JSON, or text that resembles it. About every other one is canonical. */
export function anyJsonText(random: Seeded): string {
  const text = anyText(random, 0)
  if (random.next() < 0.5) return text
  try {
    return JSON.stringify(JSON.parse(text))
  } catch {
    return text
  }
}

function anyText(random: Seeded, depth: number): string {
  const dice = random.next()
  const several = (one: () => string): string => Array.from({ length: Math.floor(random.next() * 5) }, one).join(',')
  if (depth < 4 && dice < 0.25)
    return `{${several(() => `${random.pick(strings)}${random.next() < 0.05 ? ' : ' : ':'}${anyText(random, depth + 1)}`)}}`
  if (depth < 4 && dice < 0.45) return `[${several(() => anyText(random, depth + 1))}]`
  if (dice < 0.7) return random.pick(numbers)
  if (dice < 0.95) return random.pick(strings)
  return random.pick(['true', 'false', 'null', 'nul', 'True'])
}

const bytes = [...Buffer.from('{}[]:,"\\ 0123456789.-+eEtrufalsn\nü/')]

/** Changes, removes or inserts one or two bytes in about every other text. */
export function mutated(random: Seeded, text: Buffer): Buffer {
  let result = text
  for (let left = random.pick([0, 0, 1, 2]); left > 0; left -= 1) {
    const at = Math.floor(random.next() * result.length)
    const byte = random.next() < 0.7 ? random.pick(bytes) : Math.floor(random.next() * 256)
    const rest = random.pick([at, at + 1])
    result = Buffer.concat([
      result.subarray(0, at),
      Buffer.from(random.next() < 0.7 ? [byte] : []),
      result.subarray(rest),
    ])
  }
  return result
}
