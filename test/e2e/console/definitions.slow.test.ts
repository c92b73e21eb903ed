import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp, { type ChannelModel, type ConfirmChannel } from 'amqplib'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type GatewayProcess, startGateway, testSecret, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { newFolder, removeFolder } from '../../support/processes/run-folder.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf } from '../back-end/graphql-caller.ts'
import { goByKeys, openConsole } from './console-page.ts'

const sdl = `type Subscription {
  "Orders of one customer."
  orderChanged(customer: ID! @owner): Order @events(exchange: "orders", routingKey: "orders.{customer}.#")
  stockChanged: Stock! @events(exchange: "stock", exchangeType: FANOUT) @allow(anonymous: true)
}

"An order of the shop."
type Order {
  id: ID!
  total: Decimal! # with tax
  state: OrderState
}

enum OrderState { CREATED PAID }

type Stock { sku: ID! left: Int! }
`
const providerSecret = 'Pr0viderCredential'

let vhost: TestVhost
let browser: TestBrowser
let replicas: readonly [GatewayProcess, GatewayProcess]
let connection: ChannelModel
let channel: ConfirmChannel
let client: Client
const folder = newFolder()
const file = join(folder, 'shop.graphql')

beforeAll(async () => {
  writeFileSync(file, sdl)
  vhost = await testVhost('console-definitions')
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_JWT_SECRET: testSecret, WARREN_SCHEMA: file }
  const jwks = `http://warren:${providerSecret}@127.0.0.1:9/keys`
  const [one, two] = await Promise.all([
    startGateway({ env }),
    startGateway({ env: { ...env, WARREN_MAX_SUBSCRIPTIONS: '50', WARREN_JWKS_URL: jwks } }),
  ])
  replicas = [one, two]
  browser = await openBrowser()
  connection = await amqp.connect(vhost.url)
  channel = await connection.createConfirmChannel()
  const token = await testToken({ sub: 'alice' })
  client = createClient({ url: two.graphqlSocketUrl, webSocketImpl: WebSocket, connectionParams: { token } })
})
afterAll(async () => {
  await client?.dispose()
  await connection?.close()
  await browser?.close()
  await Promise.all((replicas ?? []).map((replica) => replica.stop()))
  await vhost?.close()
  removeFolder(folder)
})

async function send(exchange: string, key: string, body: unknown): Promise<void> {
  channel.publish(exchange, key, Buffer.from(JSON.stringify(body)), { contentType: 'application/json' })
  await channel.waitForConfirms()
}

async function create(input: Record<string, unknown>): Promise<void> {
  const call = callerOf(replicas[0].graphqlUrl, await testToken({ scope: 'operator' }))
  await call('mutation ($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }', { input })
}

test('typed fields, their subscribers and what does not fit; a schema that is refused; a draft that is tried', async () => {
  const [one, two] = replicas
  const { page, problems, open, shoot, findings } = await openConsole(browser, one, { scope: 'observe' })
  const received = new Promise<void>((resolve) => {
    client.subscribe(
      { query: 'subscription { orderChanged(customer: "alice") { id total } }' },
      { next: () => resolve(), error: () => undefined, complete: () => undefined },
    )
  })
  await open('schema')
  const fields = page.getByRole('table').first()
  await fields.getByRole('row', { name: /orderChanged.*orders/ }).waitFor()
  await page.getByRole('link', { name: 'alice' }).waitFor()
  await send('orders', 'orders.alice.created', { id: '17', total: 42.5, state: 'CREATED' })
  await received
  await send('orders', 'orders.alice.paid', { id: '18', total: 'much', state: 'PAID' })
  await fields.getByRole('row', { name: /1 does not fit/ }).waitFor()
  await page.getByText('/total: expected').first().waitFor()
  await page.getByText('1 delivered', { exact: true }).waitFor()
  await page.getByText('@events').first().waitFor()
  expect(await findings()).toEqual([])
  await shoot('schema')

  await page.getByRole('button', { name: 'Show the SDL' }).click()
  await page.getByRole('dialog').getByText('# with tax').waitFor()
  await page.getByRole('button', { name: 'What clients see' }).click()
  await page.getByRole('dialog').getByText('presenceChanged').waitFor()
  expect(await findings()).toEqual([])
  await page.keyboard.press('Escape')

  // A file with a mistake is refused by the replica that reads it again.
  writeFileSync(file, 'type Subscription { orderChanged: Nothing }')
  process.kill(two.pid, 'SIGHUP')
  await page.getByText(/refused a new schema/).waitFor()
  await page.getByText(/unknown type "Nothing"/).waitFor()
  // A new one has reached one of two.
  writeFileSync(file, sdl.replace('left: Int!', 'left: Int! place: String'))
  process.kill(two.pid, 'SIGHUP')
  await page.getByText('The replicas serve different schemas.').waitFor()
  expect(await findings()).toEqual([])
  await shoot('schema-differs')
  process.kill(one.pid, 'SIGHUP')
  await page.getByText('The replicas serve different schemas.').waitFor({ state: 'detached' })

  await create({ exchange: 'couriers', exchangeType: 'TOPIC', routingKey: 'courier.{clientId}.#' })
  for (const lat of [52.1, 52.2]) await send('couriers', 'courier.c1.moved', { id: 'c1', at: { lat, lon: 21 } })
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Infer from an exchange' }).click()
  // Pressed, and under the pointer.
  await page.getByRole('button', { name: 'Infer from an exchange', pressed: true }).hover()
  expect(await findings()).toEqual([])
  await page.getByLabel('Exchange', { exact: true }).fill('order')
  await page.getByRole('button', { name: 'Draft the SDL' }).click()
  await page.getByText('There is no exchange "order".').waitFor()
  await page.getByRole('button', { name: 'orders?' }).click()
  // The schema has these types already.
  await page.getByText(/to mend before it can be served/).waitFor()
  await page.getByLabel('Exchange', { exact: true }).fill('couriers')
  await page.getByRole('button', { name: 'Draft the SDL' }).click()
  await page.getByText('It can be served beside the present schema').waitFor()
  await page.getByRole('heading', { name: 'What a client would get' }).waitFor()
  const draft = page.getByLabel('Draft from 2 messages')
  expect(await draft.inputValue()).toContain('@events(exchange: "couriers"')
  expect(await findings()).toEqual([])
  await shoot('schema-infer')
  await draft.fill((await draft.inputValue()).replace(/lat: Float!/, 'lat: Boolean!'))
  await page.getByRole('button', { name: 'Try the edited SDL' }).click()
  await page.getByText(/0 of 2 messages would be events/).waitFor()
  await page.getByLabel('Field, if not from the exchange').fill('stockChanged')
  await page.getByRole('button', { name: 'Draft the SDL' }).click()
  await page.getByText(/1 mistake to mend/).waitFor()
  await page.getByText(/is defined twice/).waitFor()

  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})

test('an operator tests a typed field as a client: its conditions, its refusals, its events', async () => {
  const [one] = replicas
  const { page, problems, open, shoot, findings } = await openConsole(browser, one, { scope: 'operator' })
  await open('clients?client=alice')
  const detail = page.getByRole('complementary', { name: 'Client alice' })
  await detail.getByRole('button', { name: 'Test a typed field' }).click()
  const field = detail.getByRole('region', { name: 'Test of a typed field as alice' })
  await field.getByLabel('Field', { exact: true }).selectOption('orderChanged')
  await field.getByLabel('Arguments').fill('customer=bob')
  await field.getByRole('button', { name: 'Subscribe' }).click()
  await field.getByText(/not allow you to use Subscription.orderChanged/).waitFor()
  await field.getByLabel('Claims of its token').fill('[1]')
  await field.getByRole('button', { name: 'Subscribe' }).click()
  await field.getByText('Expected a JSON object').waitFor()
  expect(await findings()).toEqual([])
  await field.getByLabel('Claims of its token').fill('')
  await field.getByLabel('Arguments').fill('customer=alice')
  await field.getByRole('button', { name: 'Subscribe' }).click()
  await field.getByRole('status').getByText('Waiting for events').waitFor()
  await one.printed(/alice on orderChanged\?customer=alice.*"audit: test subscription"/)
  await send('orders', 'orders.alice.paid', { id: '19', total: 7.5, state: 'PAID' })
  await field.getByText('"id": "19"').waitFor()
  expect(await findings()).toEqual([])
  await shoot('test-field')
  expect(problems).toEqual([])
})

test('the options that apply, where they came from and which replicas differ, without a secret', async () => {
  const [one] = replicas
  const { page, problems, open, shoot, findings } = await openConsole(browser, one, { scope: 'observe' })
  const answers: string[] = []
  page.on('response', (response) => {
    if (!response.url().endsWith('/graphql')) return
    void response.text().then(
      (text) => answers.push(text),
      () => undefined,
    )
  })
  await open('configuration')
  const limits = page.getByRole('region', { name: 'Limits', exact: true })
  await limits.getByRole('row', { name: /WARREN_MAX_SUBSCRIPTIONS.*100.*differs.*default/ }).waitFor()
  await page.getByRole('row', { name: /WARREN_JWT_SECRET.*never shown.*environment/ }).waitFor()
  await limits.getByRole('row', { name: /WARREN_MAX_CONNECTIONS_PER_ADDRESS.*2000.*derived/ }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('configuration')

  await page.getByRole('button', { name: 'Differs 3' }).click()
  await page.getByRole('button', { name: 'WARREN_MAX_SUBSCRIPTIONS' }).click()
  const detail = page.getByRole('complementary', { name: 'Option WARREN_MAX_SUBSCRIPTIONS' })
  await detail.getByText('The replicas have different values.').waitFor()
  await detail.getByText('50', { exact: true }).waitFor()
  await page.waitForURL(/option=WARREN_MAX_SUBSCRIPTIONS/)
  expect(await findings()).toEqual([])
  await shoot('configuration-option')
  await detail.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: /Differs/ }).click()

  await page.keyboard.press('/')
  await page.keyboard.type('quarantine of nothing')
  await page.getByRole('heading', { name: 'No option matches' }).waitFor()
  await page.getByRole('button', { name: 'Show all options' }).click()
  await page.getByRole('searchbox', { name: 'Search options' }).fill('retention')
  await page.getByRole('row', { name: /WARREN_RETENTION/ }).waitFor()
  await page.getByRole('row', { name: /WARREN_PORT/ }).waitFor({ state: 'detached' })

  const password = decodeURIComponent(new URL(vhost.url).password)
  const text = `${answers.join('\n')}\n${await page.content()}`
  expect(text).toContain('WARREN_JWKS_URL')
  for (const secret of [testSecret, providerSecret, `:${password}@`]) expect(text).not.toContain(secret)
  expect(problems).toEqual([])
})

test('a gateway without typed fields explains how to begin', async () => {
  await using gateway = await startGateway()
  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway)
  await open('schema')
  await page.getByRole('heading', { name: 'No typed fields yet' }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('schema-empty')
  await goByKeys(page, 'f')
  await page.getByRole('heading', { name: 'Configuration', level: 1 }).waitFor()
  await goByKeys(page, 'd')
  await page.getByRole('button', { name: 'Draft a schema from messages' }).click()
  await page.getByRole('heading', { name: 'Infer from an exchange' }).waitFor()
  expect(problems).toEqual([])
})
