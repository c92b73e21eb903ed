/**
 * The cost of a typed event beside that of the same message on `channel`, both decoded, rendered
 * for one operation and not written: `channel` passes its body through, a typed event is parsed,
 * validated and printed. `npm run bench:typed`.
 */
import { parse } from 'graphql'
import { type Decodable, decodeBody } from '../src/core/body/decode-body.ts'
import { parseJson } from '../src/core/json/parse-json.ts'
import type { EventInput, TypedValue } from '../src/events/model/typed-value.ts'
import { compileProjection } from '../src/events/projection/compiled-projection.ts'
import { compileValidator } from '../src/events/values/compiled-validator.ts'
import { MessageInput } from '../src/events/values/message-input.ts'
import { compileSelection } from '../src/graphql/compile/compiled-selection.ts'
import { schema as channelSchema } from '../src/graphql/schema.ts'
import { bindingOf, builtSchema, eventFieldOf } from '../test/events/schema-builder.ts'

const order = {
  id: 'o-839201774',
  customer: { id: 'c-77' },
  status: 'PAID',
  total: 19.95,
  placedAt: '2026-11-21T19:45:00.123Z',
  note: null,
  paid: true,
  lines: [
    { sku: 'a-12', quantity: 3, price: 19.95 },
    { sku: 'b-7', quantity: 1, price: 5.5 },
  ],
}
const rounds = 5
const count = 5_000

const typed = builtSchema(
  `type Subscription { order: Order }
   type Order { id: ID! customerId: ID! status: Status! total: Decimal! placedAt: DateTime! note: String
     paid: Boolean! lines: [Line!]! }
   type Line { sku: ID! quantity: Int! price: Float! }
   enum Status { CREATED PAID }`,
  { from: { 'Order.customerId': { body: '/customer/id' } } },
)
const field = eventFieldOf(typed, 'order')
const binding = bindingOf(field)
const validate = compileValidator(typed, field)
const text = '{ id customerId status total placedAt note paid lines { sku quantity price } }'
const projection = compileProjection(typed.schema, parse(`subscription { order ${text} }`), undefined, {})
const channel = compileSelection(
  channelSchema,
  parse('subscription { channel(clientId: "a") { data messageId exchange } }'),
  undefined,
)
if (!projection || !channel) throw new Error('an operation did not compile')

const body = Buffer.from(JSON.stringify(order))
const properties = { contentType: 'application/json' }

function message(): Decodable {
  return { exchange: 'orders', routingKey: 'k', body, properties, redelivered: false, receivedAt: 0 }
}

function inputOf(one: Decodable): EventInput {
  return new MessageInput(one, () => 'cursor', {})
}

function valueOf(input: EventInput): TypedValue {
  const verdict = validate(input, binding)
  if (verdict.kind !== 'valid') throw new Error('the order is not valid')
  return verdict.value
}

const parsed = inputOf(message())
parsed.body()
const value = valueOf(parsed)
const delivered = { clientId: 'a', event: { kind: 'MESSAGE', message: message() } }
const ways: Record<string, () => unknown> = {
  'channel: decode': () => decodeBody(message()).json,
  'channel: render': () => channel.render(delivered, {}),
  'typed: parse': () => parseJson(body.toString()),
  'typed: validate': () => valueOf(parsed),
  'typed: print': () => projection.print(value),
  'typed: all': () => projection.print(valueOf(inputOf(message()))),
}

function microsOf(way: () => unknown): number {
  const since = process.cpuUsage()
  for (let index = 0; index < count; index += 1) if (way() === undefined) throw new Error('nothing came out')
  const { user, system } = process.cpuUsage(since)
  return (user + system) / count
}

console.log(`| step, ${body.length} bytes | CPU, µs |\n|---|---|`)
const least: Record<string, number> = {}
for (let round = 0; round < rounds; round += 1) {
  for (const [name, way] of Object.entries(ways)) {
    least[name] = Math.min(least[name] ?? Number.POSITIVE_INFINITY, microsOf(way))
  }
}
for (const [name, micros] of Object.entries(least)) console.log(`| ${name} | ${micros.toFixed(2)} |`)
