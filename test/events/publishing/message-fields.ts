import { GatewayError } from '../../../src/errors.ts'
import type { EventCaller } from '../../../src/events/access/event-caller.ts'
import type { PublishField, RequestField } from '../../../src/events/model/event-schema.ts'
import { messageRendererOf } from '../../../src/events/publishing/render-message.ts'
import { allowAnonymous, claim, clientId, enumMapping, eventSchema, publishField } from '../access/build-schema.ts'
import { callerWith } from '../access/callers.ts'

export const schema = eventSchema(
  `type Query { quote(sku: ID!, quantity: Int!): Int }
  type Mutation { place(input: PlaceOrder!, idempotencyKey: String): Int
    send(id: ID, text: String, count: Int, open: Boolean, state: State, ids: [ID!], big: BigInt, total: Decimal, any: JSON, idempotencyKey: String): Int }
  input PlaceOrder { customerID: ID region: String state: State! total: Decimal big: [BigInt!] weight: Float note: String at: DateTime any: JSON lines: [Line!] parent: PlaceOrder }
  input Line { sku: ID! price: Decimal owner: ID }
  enum State { OPEN DONE }`,
  {
    enums: { State: enumMapping({ OPEN: 'open', DONE: '2' }) },
    inputs: {
      PlaceOrder: {
        customerID: { member: 'customer_id', owners: [clientId] },
        region: [],
        state: { member: 'order_state' },
        total: [],
        big: [],
        weight: [],
        note: [],
        at: [],
        any: [],
        lines: [],
        parent: { member: '__proto__' },
      },
      Line: { sku: [], price: [], owner: [claim('tenant')] },
    },
  },
)
export const place = (options: Partial<Parameters<typeof publishField>[1]> = {}) =>
  publishField('place', { arguments: { input: [] }, bodyArgument: 'input', owned: true, ...options })
export const sendArguments = { id: [], text: [], count: [], open: [], state: [], ids: [], big: [], total: [], any: [] }
export const send = (options: Partial<Parameters<typeof publishField>[1]> = {}) =>
  publishField('send', { arguments: sendArguments, allow: [allowAnonymous], ...options })
export const alice = callerWith({ sub: 'alice', tenant: 'acme', tenants: ['a', 'b'], level: 7, scope: 'x' })
export const now = Date.UTC(2026, 10, 28, 12)

export function render(
  field: PublishField | RequestField,
  args: Record<string, unknown>,
  caller: EventCaller = alice,
  traceparent?: string,
) {
  return messageRendererOf(schema, field)({ args, caller, now, traceparent })
}

export function bodyOf(field: PublishField, args: Record<string, unknown>, caller?: EventCaller): string {
  return render(field, args, caller).body.toString()
}

export function errorOf(act: () => unknown): Partial<GatewayError> {
  try {
    act()
  } catch (error) {
    if (error instanceof GatewayError)
      return { code: error.code, ...(error.field === undefined ? {} : { field: error.field }) }
    throw error
  }
  throw new Error('expected an error')
}
