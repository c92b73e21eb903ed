import * as fc from 'fast-check'
import { parseJson } from '../../../src/core/json/parse-json.ts'
import type { EventSample } from '../../../src/events/inference/event-sample.ts'
import { pick, weighted } from '../../support/property.ts'

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

const jsonText = (text: fc.Arbitrary<string>) => text.map((value) => JSON.stringify(value))
const leaf = weighted(
  [1, pick('null', 'true', 'false')],
  [2, fc.constantFrom(...oddNumbers)],
  [2, jsonText(weighted([1, fc.uuid()], [4, fc.constantFrom(...oddTexts)]))],
)
const { json } = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    { weight: 5, arbitrary: leaf },
    { weight: 1, arbitrary: fc.array(tie('json'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`) },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.tuple(jsonText(fc.constantFrom(...oddNames)), tie('json')), { maxLength: 5 })
        .map((members) => `{${members.map((member) => member.join(':')).join(',')}}`),
    },
  ),
}))

const routingKey = fc.array(pick('a', 'b', '', '*', '{x}', '7', 'ü"'), { maxLength: 3 }).map((words) => words.join('.'))
const header = fc.tuple(fc.constantFrom(...oddNames), pick<unknown>('x', 7, true, null, ['a'], 9n))
const headers = fc.option(
  fc.tuple(header, pick('A', 'B')).map(([[name, value], type]) => ({ [name]: value, __TypeId__: type })),
  { freq: 1, nil: {} },
)
const type = pick('a.b', 'A', '', '\ud800', '"x"', 'b')
const rarely = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { freq: 1, nil: undefined })

/** Messages of one exchange are alike: each has one of a few bodies, or another one. */
export const anySamples: fc.Arbitrary<EventSample[]> = fc
  .tuple(fc.array(json, { minLength: 1, maxLength: 4 }), fc.boolean())
  .chain(([bodies, haveTypes]) => {
    const body = weighted<string | undefined>([17, fc.constantFrom(...bodies)], [2, json], [1, fc.constant(undefined)])
    const sample = fc.record({ routingKey, type: haveTypes ? type : rarely(type), headers, body })
    return fc.array(sample, { minLength: 1, maxLength: 30 })
  })
  .map((samples) =>
    samples.map(({ body, routingKey, ...properties }) => ({
      routingKey,
      properties,
      body: body === undefined ? undefined : parseJson(body),
    })),
  )
