import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { callerOf } from '../back-end/graphql-caller.ts'

const sdl = `
  type Subscription { orderChanged: Order @events(exchange: "orders", routingKey: "orders.#") }
  type Order { id: ID!  at: DateTime }
`

let gateway: InProcessGateway
const folder = newFolder()
beforeAll(async () => {
  const file = join(folder, 'orders.graphql')
  writeFileSync(file, sdl)
  gateway = await openGateway({ WARREN_SCHEMA: file })
})
afterAll(async () => {
  await gateway?.close()
  removeFolder(folder)
})

// The DateTime of typed fields keeps text as it was sent, and each schema has one DateTime.
test('the times of operator queries are read beside typed fields, and an impossible one is named', async () => {
  const call = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  const from = '2026-01-01T00:00:00.000Z'
  const answer = await call(
    `query ($from: DateTime!, $to: DateTime!) {
      journalHistogram(from: $from, to: $to, bins: 6) { bins { from } }
      messages(around: { time: $from }) { note }
      trace(look: { from: $from, to: $to, exchange: "orders" }) { replica }
    }`,
    { from, to: '2026-01-02T00:00:00Z' },
  )
  expect(answer).toMatchObject({ journalHistogram: { bins: expect.arrayContaining([{ from }]) } })
  const impossible = 'query { messages(around: { time: "2016-12-31T23:59:60Z" }) { note } }'
  await expect(call(impossible)).rejects.toThrow('around.time: expected a time that exists')
})
