import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { EventSample } from '../../../src/events/inference/event-sample.ts'
import type { SeededRandom } from '../seeded-random.ts'

const oddNames = [
  'id',
  'orderId',
  'type',
  'status',
  '__typename',
  '__proto__',
  'constructor',
  '',
  ' ',
  '/',
  '~',
  'a/b~c',
  '"',
  '\\',
  '\n',
  '#',
  '日本',
  'größe',
  '\ud800',
  '\u202e',
  '1st',
  'order-id',
  'order_id',
  'ORDER_ID',
  'true',
  'null',
  'on',
  'value',
  'currency',
  'at',
  'items',
  'address',
  'data',
  'x'.repeat(300),
]
const oddTexts = [
  '',
  ' ',
  'PAID',
  'paid',
  'true',
  'OTHER',
  'null',
  '1.50',
  '007',
  '"""',
  '\ud800',
  '#',
  '\u2028',
  'a\nb',
  '😀',
]
const oddNumbers = [
  '0',
  '-0',
  '7',
  '7.0',
  '1.50',
  '1e400',
  '9007199254740993',
  '2147483648',
  '-1.5',
  '1e-7',
  '1790000000',
]

function randomJson(random: SeededRandom, depth: number): string {
  const kind = random.below(depth > 4 ? 5 : 8)
  if (kind === 0) return random.pick(['null', 'true', 'false'])
  if (kind < 3) return random.pick(oddNumbers)
  if (kind < 5) return JSON.stringify(random.chance(0.2) ? random.uuid() : random.pick(oddTexts))
  if (kind === 5) return `[${Array.from({ length: random.below(4) }, () => randomJson(random, depth + 1)).join(',')}]`
  const members = Array.from({ length: random.below(6) }, () => {
    return `${JSON.stringify(random.pick(oddNames))}:${randomJson(random, depth + 1)}`
  })
  return `{${members.join(',')}}`
}

/** Messages of one exchange are alike: each is one of a few, or new. */
export function randomSamples(random: SeededRandom): EventSample[] {
  const bodies = Array.from({ length: 1 + random.below(4) }, () => randomJson(random, 0))
  const hasType = random.chance(0.3)
  return Array.from({ length: 1 + random.below(30) }, () => ({
    routingKey: Array.from({ length: random.below(4) }, () => random.pick(['a', 'b', '', '*', '{x}', '7', 'ü"'])).join(
      '.',
    ),
    properties: {
      ...(hasType || random.chance(0.1) ? { type: random.pick(['a.b', 'A', '', '\ud800', '"x"', 'b']) } : {}),
      headers: random.chance(0.5)
        ? { [random.pick(oddNames)]: random.pick(['x', 7, true, null, ['a'], 9n]), __TypeId__: random.pick(['A', 'B']) }
        : {},
    },
    body: random.chance(0.05) ? undefined : parseJson(random.chance(0.9) ? random.pick(bodies) : randomJson(random, 0)),
  }))
}
