import { readFileSync } from 'node:fs'
import { generate } from '@graphql-codegen/cli'
import { expect, test } from '@jest/globals'
import shop from '../../../examples/shop/codegen.ts'
import type * as types from '../../../examples/shop/page/generated/graphql.ts'
import { printServedSchema } from '../../../src/events/sdl/type-system/served-schema.ts'
import { schemaOf } from './reading.ts'

const specification = readFileSync(new URL('specification.sdl.txt', import.meta.url), 'utf8')

/** Every field of the specification's first section, with every argument and every selection. */
const allDocuments = `
  subscription OrderChanged($customerId: ID!, $region: String, $status: [OrderStatus!], $after: Cursor, $overflow: OverflowPolicy) {
    orderChanged(customerId: $customerId, region: $region, status: $status, after: $after, checkpoints: true, overflow: $overflow) {
      id customerId status total placedAt traceId cursor
    }
  }
  subscription Shipment($id: ID!, $after: Cursor) {
    shipment(id: $id, after: $after) {
      __typename
      ... on ShipmentPacked { id weight }
      ... on ShipmentDelivered { id signedBy }
      ... on EventGap { reason oldest cursor }
    }
  }
  mutation PlaceOrder($input: PlaceOrder!, $idempotencyKey: String) {
    placeOrder(input: $input, idempotencyKey: $idempotencyKey) { messageId }
  }
  query Quote($sku: ID!, $quantity: Int!) { quote(sku: $sku, quantity: $quantity) { sku price } }
`

const [preset] = Object.values(shop.generates)
if (preset === undefined || !('preset' in preset)) throw new Error('expected the client preset')
const { scalars, ...config } = preset.config as { scalars: Record<string, string> }

/** The types that the client preset generates with these scalars. */
async function generatedTypes(
  mapped: Record<string, string>,
  sdl: string = specification,
  documents: string = allDocuments,
): Promise<string> {
  const schema = printServedSchema(schemaOf(sdl, { core: false }).schema)
  const generates = { 'out/': { preset: 'client', config: { ...config, scalars: mapped } } } as const
  const files = (await generate({ schema, documents, generates, silent: true }, false)) as {
    filename: string
    content: string
  }[]
  const file = files.find(({ filename }) => filename.endsWith('graphql.ts'))
  return withoutComments(file?.content ?? '')
}

const withoutComments = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\//g, '')

test("graphql-codegen's client preset types each field of the specification without any", async () => {
  const text = await generatedTypes(scalars)
  expect(text).toContain(
    'export type OrderChangedSubscription = { orderChanged: { id: string, customerId: string, status: OrderStatus, total: string, placedAt: string, traceId: string | null, cursor: string } | null };',
  )
  expect(text).toContain("{ __typename: 'ShipmentDelivered', id: string, signedBy: string | null }")
  expect(text).toContain("{ __typename: 'EventGap', reason: GapReason, oldest: string | null, cursor: string }")
  expect(text).toContain('export type PlaceOrderMutation = { placeOrder: { messageId: string } };')
  expect(text).toContain('export type QuoteQuery = { quote: { sku: string, price: string } };')
  expect(text).not.toMatch(/\bany\b/)
})

test("graphql-codegen's client preset types the page of a state by the type of its field", async () => {
  const sdl = `type Subscription { board(id: ID): Order @events(exchange: "o") @state(key: "/id", deleteOn: ["gone"]) }
type Order { id: ID!  total: Decimal }`
  const page =
    'query Board($after: String) { boardState(after: $after) { nodes { id total } endCursor hasMore cursor } }'
  const text = await generatedTypes(scalars, sdl, page)
  expect(text).toContain(
    'export type BoardQuery = { boardState: { endCursor: string | null, hasMore: boolean, cursor: string, nodes: Array<{ id: string, total: string | null }> } };',
  )
})

test.each(Object.keys(scalars))('a forgotten %s is an error', async (name) => {
  const { [name]: _, ...rest } = scalars
  await expect(generatedTypes(rest)).rejects.toThrow(`Unknown scalar type ${name}`)
})

/** Whether a type is `any`, or has it somewhere inside. */
type HasAny<Type> = 0 extends 1 & Type
  ? true
  : Type extends readonly (infer Element)[]
    ? HasAny<Element>
    : Type extends object
      ? { [Key in keyof Type]-?: HasAny<Type[Key]> }[keyof Type]
      : false

test('the operations of the shop have no any, which npm run check checks', () => {
  const found: {
    results: HasAny<
      | types.OrderChangedSubscription
      | types.OrderHistoryQuery
      | types.ShipmentSubscription
      | types.PlaceOrderMutation
      | types.QuoteQuery
    >
    variables: HasAny<
      | types.OrderChangedSubscriptionVariables
      | types.OrderHistoryQueryVariables
      | types.ShipmentSubscriptionVariables
      | types.PlaceOrderMutationVariables
      | types.QuoteQueryVariables
    >
    control: HasAny<{ inside: { deep: ReturnType<typeof JSON.parse>[] } }>
  } = { results: false, variables: false, control: true }
  expect(found).toEqual({ results: false, variables: false, control: true })
  const text = withoutComments(readFileSync('examples/shop/page/generated/graphql.ts', 'utf8'))
  expect(text).not.toMatch(/\bany\b/)
})
