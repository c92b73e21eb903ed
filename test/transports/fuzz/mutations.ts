import type { Seeded } from '../../ledger/seeded.ts'

/** Values that break readers of JSON, of GraphQL and of AMQP names. */
const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  '',
  ' ',
  '\u0000',
  '\ud800',
  '__proto__',
  'constructor',
  'toString',
  '#',
  '*',
  '../../etc/passwd',
  "'; drop table warren_clients; --",
  'ü'.repeat(300),
  [],
  {},
  [[[[[[[[]]]]]]]],
  { __proto__: null, toString: 1 },
  Array.from({ length: 50 }, (_, index) => index),
]

const oddKeys = [
  '',
  '__proto__',
  'constructor',
  'toString',
  'then',
  '\u0000',
  'ü',
  'id',
  'type',
  'payload',
  'x'.repeat(1_000),
]

/** A copy with some parts replaced, dropped, doubled or moved; most keep their shape. */
export function mutatedValue(value: unknown, seeded: Seeded, likelihood = 0.12): unknown {
  if (seeded.next() < likelihood) return seeded.pick(oddValues)
  if (Array.isArray(value)) {
    const items = value.map((item) => mutatedValue(item, seeded, likelihood))
    return seeded.next() < likelihood ? [...items, ...items] : items
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).flatMap(([key, item]): [string, unknown][] => {
      const chance = seeded.next()
      if (chance < likelihood / 3) return []
      if (chance < likelihood / 2) return [[seeded.pick(oddKeys), item]]
      return [[key, mutatedValue(item, seeded, likelihood)]]
    })
    return Object.fromEntries(entries)
  }
  return typeof value === 'string' && seeded.next() < likelihood ? mutatedText(value, seeded) : value
}

/** A copy with bytes cut, doubled, changed or inserted, as from a broken or hostile sender. */
export function mutatedText(text: string, seeded: Seeded): string {
  const at = Math.floor(seeded.next() * (text.length + 1))
  const to = Math.min(text.length, at + Math.floor(seeded.next() * 8))
  switch (Math.floor(seeded.next() * 5)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + text.slice(to)
    case 2:
      return text.slice(0, to) + text.slice(at)
    case 3:
      return text.slice(0, at) + String.fromCharCode(Math.floor(seeded.next() * 256)) + text.slice(to)
    default:
      return (
        text.slice(0, at) + seeded.pick(['{', '}', '"', '\\', '\r\n', '\u0000', '...', '@', '$', '!']) + text.slice(at)
      )
  }
}

export function randomBytes(seeded: Seeded, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(seeded.next() * 256)))
}
