/**
 * The CPU that one message costs in the index of a typed field: from its parsed or unparsed body to
 * the keys of the hub. `npm run bench:matching`. Exit status 1 if a ratio exceeds what the project
 * allows: 100,000 subscriptions in one set of conditions 1.5 times 100, in eight sets 3 times.
 * No gateway and no deliveries: their share makes the ratios of a gateway smaller.
 */
import { parseJson } from '../src/core/json/parse-json.ts'
import { type Conditions, conditionsOf } from '../src/events/access/conditions.ts'
import { compileFilter } from '../src/events/filters/compile-filter.ts'
import { EventRouter } from '../src/events/matching/event-router.ts'
import { type EventInput, TypedObject } from '../src/events/model/typed-value.ts'
import { argument, binding, eventField, eventSchema, fieldMapping, word } from '../test/events/access/build-schema.ts'
import { median } from './median.ts'

const rounds = 9
const messagesOfRound = 10_000
const subscriptions = 100_000

const field = eventField('order', {
  bindings: [binding('orders', 'orders.{region}.*')],
  conditions: [
    argument('id', 'ID'),
    argument('status', 'String'),
    argument('region', 'String', { place: word('region') }),
    argument('sku', 'ID'),
  ],
  filterable: true,
})
const schema = eventSchema('type Subscription { order: Order } type Order { id: ID total: Decimal quantity: Int }', {
  events: [field],
  objects: {
    Order: {
      id: fieldMapping('id', { filterable: true }),
      total: fieldMapping('total', { filterable: true }),
      quantity: fieldMapping('quantity', { filterable: true }),
    },
  },
})
const type = schema.schema.getSubscriptionType()?.getFields()['order']?.type
const value = new TypedObject('Order', { id: '839201774', total: '19.95', quantity: 3 })

interface Side {
  readonly name: string
  readonly router: EventRouter
  readonly ids: readonly string[]
  /** How many keys each message must match. */
  readonly keys: number
  readonly messages: number
  readonly micros: number[]
}

function inputOf(id: string, isParsed: boolean): EventInput {
  const json = `{"id":"${id}","sku":"a-12","quantity":3,"total":19.95,"status":"PAID","note":null,"at":"2026-11-21T19:45:00.123Z","tags":["new","gift"]}`
  let body: unknown = isParsed ? parseJson(json) : undefined
  return {
    exchange: 'orders',
    routingKey: 'orders.eu.paid',
    properties: {},
    redelivered: false,
    receivedAt: 0,
    cursor: '',
    body: () => {
      body ??= parseJson(json)
      return body
    },
  }
}

/** Subscriptions with distinct ids. Each has one of the sets of conditions, written as bits. */
function byId(name: string, count: number, sets: readonly number[]): Side {
  const router = new EventRouter(schema)
  const ids = Array.from({ length: count }, (_, index) => `o-${839_201_774 + index * 7}`)
  const others = ['PAID', 'eu', 'a-12']
  for (const [index, id] of ids.entries()) {
    const bits = sets[index % sets.length] ?? 0
    router.add('order', conditionsOf([[id], ...others.map((text, bit) => (bits & (1 << bit) ? [text] : undefined))]))
  }
  return { name, router, ids, keys: 1, messages: messagesOfRound, micros: [] }
}

function keysOf1000(name: string, conditions: (index: number) => Conditions): Side {
  const router = new EventRouter(schema)
  for (let index = 0; index < 1_000; index += 1) router.add('order', conditions(index))
  return { name, router, ids: ['o-1'], keys: 1_000, messages: messagesOfRound / 1_000, micros: [] }
}

function measure({ router, ids, keys, messages }: Side, isParsed: boolean): number {
  const inputs = Array.from({ length: messages }, (_, index) =>
    inputOf(ids[(index * 7_919) % ids.length] ?? '', isParsed),
  )
  const since = process.cpuUsage()
  let found = 0
  for (const input of inputs) {
    for (const { outcome } of router.route(input, () => value))
      if (outcome.kind === 'matched') found += outcome.keys.length
  }
  const { user, system } = process.cpuUsage(since)
  if (found !== keys * messages) throw new Error(`expected ${keys * messages} keys, got ${found}`)
  return (user + system) / messages
}

function compare(what: string, [base, other]: readonly [Side, Side], isParsed: boolean, limit: number): boolean {
  for (const side of [base, other]) side.micros.length = 0
  // The first rounds warm up.
  for (let round = 0; round < rounds + 3; round += 1) {
    for (const side of round % 2 === 0 ? [base, other] : [other, base]) {
      const micros = measure(side, isParsed)
      if (round >= 3) side.micros.push(micros)
    }
  }
  const [a, b] = [median(base.micros), median(other.micros)]
  const ratio = b / a
  console.log(`| ${what} | ${a.toFixed(2)} | ${b.toFixed(2)} | ${ratio.toFixed(2)} | ${limit} |`)
  return ratio <= limit
}

const few = byId('100 in one set', 100, [0])
const many = byId('100,000 in one set', subscriptions, [0])
const eight = byId('100,000 in eight sets', subscriptions, [0, 1, 2, 3, 4, 5, 6, 7])
// A list of the id and one more value makes the conditions distinct without a filter.
const plain = keysOf1000('1,000 keys without filter', (index) =>
  conditionsOf([['o-1', `x-${index}`], undefined, undefined, undefined]),
)
const filtered = keysOf1000('1,000 distinct filters', (index) =>
  conditionsOf(
    [['o-1'], undefined, undefined, undefined],
    type && compileFilter(schema, type, { total: { lt: `${100 + index}.5` }, quantity: { gte: 1 } }),
  ),
)

console.log('| compared | µs a message | µs | ratio | allowed |\n|---|---|---|---|---|')
const results = [
  compare('100,000 : 100, body parsed by the message', [few, many], false, 1.5),
  compare('100,000 in eight sets : 100 in one', [few, eight], false, 3),
  // Without the body, what is left is a look-up in a table that no cache of the processor holds.
  compare('100,000 : 100, body parsed before', [few, many], true, Number.POSITIVE_INFINITY),
  compare('eight sets : one, body parsed before', [few, eight], true, Number.POSITIVE_INFINITY),
  compare('1,000 filters : 1,000 keys', [plain, filtered], false, Number.POSITIVE_INFINITY),
]
process.exitCode = results.every(Boolean) ? 0 : 1
