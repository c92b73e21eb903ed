/**
 * The cost of turning a body into the JSON for clients: passed through, or parsed and printed. The
 * same body with leading white space is parsed and printed. Trailing white space is noticed last:
 * checked in vain, then parsed and printed. `npm run bench:bodies`.
 */
import { decodeBody } from '../src/core/body/decode-body.ts'

const order = {
  id: 'o-839201774',
  sku: 'a-12',
  quantity: 3,
  price: 19.95,
  paid: true,
  note: null,
  at: '2026-11-21T19:45:00.123Z',
  tags: ['new', 'gift'],
}
const shapes: Record<string, (bytes: number) => unknown> = {
  'objects of everyday': (bytes) => Array.from({ length: Math.round(bytes / 132) }, () => order),
  'one long text': (bytes) => ({ text: 'x'.repeat(bytes) }),
  'text not in ASCII': (bytes) => ({ text: 'Grüße, 日本 '.repeat(bytes / 18) }),
  numbers: (bytes) => Array.from({ length: bytes / 7 }, (_, index) => 1_000 + index + 0.25),
}
const ways: Record<string, (text: string) => string> = {
  passed: (text) => text,
  parsed: (text) => ` ${text}`,
  vain: (text) => `${text} `,
}
const rounds = 9
/** Bytes of bodies between two reads of the clock. */
const batchBytes = 1_000_000

function microsOf(body: Buffer): number {
  const count = Math.ceil(batchBytes / body.length)
  const since = process.cpuUsage()
  for (let index = 0; index < count; index += 1) {
    const message = { exchange: 'e', routingKey: 'k', body, properties, redelivered: false, receivedAt: 0 }
    if (decodeBody(message).json.length + 1 < body.length) throw new Error('less came out than went in')
  }
  const { user, system } = process.cpuUsage(since)
  return (user + system) / count
}

const properties = { contentType: 'application/json' }
console.log(
  '| body | bytes | passed through, µs | parsed and printed | checked in vain | passed ÷ parsed |\n|---|---|---|---|---|---|',
)
for (const [name, valueOf] of Object.entries(shapes)) {
  for (const bytes of [200, 2_048, 20_480]) {
    const text = JSON.stringify(valueOf(bytes))
    const least: Record<string, number> = {}
    for (let round = 0; round < rounds; round += 1) {
      for (const [way, spoil] of Object.entries(ways)) {
        least[way] = Math.min(least[way] ?? Number.POSITIVE_INFINITY, microsOf(Buffer.from(spoil(text))))
      }
    }
    const { passed = 0, parsed = 0, vain = 0 } = least
    const figures = [passed, parsed, vain, passed / parsed].map((figure) => figure.toFixed(2))
    console.log(`| ${name} | ${Buffer.byteLength(text)} | ${figures.join(' | ')} |`)
  }
}
