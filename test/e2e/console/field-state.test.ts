import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type Call, callerOf } from '../back-end/graphql-caller.ts'
import { openConsole } from './console-page.ts'

const sdl = `type Subscription {
  board(customer: ID!): Order
    @events(exchange: "orders", routingKey: "orders.#")
    @state(key: "/id", deleteOn: ["order.deleted"], keep: "30d")
  news: News @events(exchange: "news")
}
type Order { id: ID!  customer: ID!  total: Int! }
type News { text: String! }
`

let gateway: ReachableGateway
let browser: TestBrowser
let operate: Call
const folder = newFolder()
beforeAll(async () => {
  const file = join(folder, 'shop.graphql')
  writeFileSync(file, sdl)
  gateway = await openReachable({ WARREN_SCHEMA: file, WARREN_MAX_STATE_KEYS: '3' })
  operate = callerOf(gateway.graphqlUrl, gateway.operatorToken)
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.[Symbol.asyncDispose]()
  removeFolder(folder)
})

async function publish(id: string, type = 'order.changed'): Promise<void> {
  await operate('mutation ($input: PublishInput!) { publish(input: $input) { cursor } }', {
    input: { exchange: 'orders', routingKey: 'orders.eu', type, data: { id, customer: 'c', total: 1 } },
  })
}

test('the schema shows what the state of a field holds, who folds it, and that it is full', async () => {
  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway, { scope: 'observe' })
  for (const id of ['1', '2', '1']) await publish(id)
  await publish('2', 'order.deleted')
  await open('schema?field=board')
  const fields = page.getByRole('table').first()
  const state = page.getByRole('region', { name: 'State' })
  const fact = (name: string) => state.locator(`dt:text-is("${name}") + dd`)
  await state.getByText('served').waitFor()
  await fact('Keys').getByText('1, and 1 removed that are kept for clients that come back').waitFor()
  await fields.getByRole('row', { name: 'board' }).getByText('1 key').waitFor()
  await fields.getByRole('row', { name: 'news' }).getByText('–').waitFor()
  const { replicas } = await operate<{ replicas: { name: string }[] }>('{ replicas { name } }')
  await fact('Folded by')
    .getByText(replicas[0]?.name ?? '')
    .waitFor()
  await fact('Key of a message').getByText('"/id" of the payload').waitFor()
  await fact('Removed by').getByText('order.deleted').waitFor()
  await fact('A key stays').getByText('30 d after its last message').waitFor()
  await fact('Query').getByText('boardState').waitFor()
  expect(await fact('Size').textContent()).toMatch(/^[\d.,]+ (B|KiB)$/)
  expect(await fact('Behind the journal').textContent()).toMatch(/^\d+ messages?$/)
  await state.getByRole('button', { name: 'Copy the cursor' }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('schema-state')

  for (const id of ['3', '4', '5']) await publish(id)
  await state.getByText('Raise WARREN_MAX_STATE_KEYS or WARREN_MAX_STATE_BYTES').waitFor()
  await fields.getByRole('row', { name: 'board' }).getByText('full').waitFor()
  await page.getByText('the state of board is full').waitFor()
  await state.scrollIntoViewIfNeeded()
  expect(await findings()).toEqual([])
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await findings()).toEqual([])
  await shoot('schema-state-full')

  await open('schema?field=news')
  await page.getByRole('region', { name: 'Who subscribes' }).waitFor()
  expect(await state.count()).toBe(0)
  expect(problems).toEqual([])
})
