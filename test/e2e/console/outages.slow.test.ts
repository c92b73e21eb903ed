import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, testToken } from '../../support/gateway/gateway-process.ts'
import { privateRabbit, type RabbitNode } from '../../support/rabbitmq/broker.ts'
import { createRabbitChannel } from '../back-end/graphql-caller.ts'
import { openConsole, subscribed } from './console-page.ts'
import { type Deployment, openDeployment } from './deployment.ts'

/** What an open page shows when its token, RabbitMQ or a replica ends, and how it continues. */
let rabbit: RabbitNode
let deployment: Deployment<GatewayProcess>

beforeAll(async () => {
  rabbit = await privateRabbit('console-outages')
  deployment = await openDeployment('outages', { brokerUrl: rabbit.url() })
  const input = { exchange: 'orders', exchangeType: 'TOPIC', routingKey: 'orders.{clientId}' }
  await deployment.operator(createRabbitChannel, { input })
})
afterAll(async () => {
  await deployment?.[Symbol.asyncDispose]()
  await rabbit?.remove()
})

test('a page with an expired token stays, asks for another one, and continues without loss', async () => {
  const { browser, replicas, publish } = deployment
  const token = await testToken({ sub: 'nadia', scope: 'observe' }, { ttl: '15s' })
  const { page, open, shoot, findings } = await openConsole(browser, replicas[0], { token })
  await open('live?client=bob')
  await page.getByText('Live, 2 of 2 replicas').waitFor()
  // The rates, and the messages.
  await subscribed(replicas[0], 2)
  await publish('orders', 'orders.bob', { order: 1 })
  const first = page.getByRole('row', { name: /"order":1\}/ })
  await first.waitFor()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('heading', { name: 'Sign in again' }).waitFor()
  expect(await first.isVisible()).toBe(true)
  expect(await findings()).toEqual([])
  await shoot('token-expired')
  await publish('orders', 'orders.bob', { order: 2 })
  await publish('orders', 'orders.alice', { order: 3 })

  await dialog.getByLabel(/Token/).fill(await testToken({ sub: 'nadia', scope: 'observe' }))
  await dialog.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('row', { name: /"order":2\}/ }).waitFor()
  await publish('orders', 'orders.bob', { order: 4 })
  await page.getByRole('row', { name: /"order":4\}/ }).waitFor()
  const bodies = await page.getByRole('row').locator('.c-body').allInnerTexts()
  expect(bodies).toEqual(['Body', '{"order":4}', '{"order":2}', '{"order":1}'])
  expect(await dialog.count()).toBe(0)
  await page.close()
})

test('while RabbitMQ is stopped, Overview and Live name it, and both recover by themselves', async () => {
  const { browser, replicas, publish } = deployment
  const overview = await openConsole(browser, replicas[0])
  const live = await openConsole(browser, replicas[0])
  await live.open('live')
  await live.page.getByText('Live, 2 of 2 replicas').waitFor()
  await publish('orders', 'orders.bob', { order: 5 })
  await live.page.getByRole('row', { name: /"order":5\}/ }).waitFor()
  await rabbit.stopApp()
  for (const { page, findings } of [overview, live]) {
    await page.getByText(/The broker is away since/).waitFor()
    expect(await findings()).toEqual([])
  }
  await overview.shoot('broker-away')
  await live.shoot('broker-away-live')
  await rabbit.startApp()
  for (const { page } of [overview, live]) {
    await page.getByText(/The broker is away since/).waitFor({ state: 'detached' })
    await page.getByText('Live, 2 of 2 replicas').waitFor()
  }
  await deployment.operator('mutation { publish(input: { clientId: "bob", data: { order: 6 } }) { cursor } }')
  await live.page.getByRole('row', { name: /"order":6\}/ }).waitFor()
  // What was there before stays.
  expect(await live.page.getByRole('row', { name: /"order":5\}/ }).isVisible()).toBe(true)
  await live.page.close()
  await overview.page.close()
})

test('a killed replica is named, its sums are marked, and its return is noticed', async () => {
  const { browser, replicas } = deployment
  const [one, two] = replicas
  const { page, shoot } = await openConsole(browser, one)
  await page.getByText('Live, 2 of 2 replicas').waitFor()
  await two.kill()
  await page.getByText('1 of 2 replicas answer').waitFor()
  await page.getByText(new RegExp(`:${two.port} does not answer`)).waitFor()
  await page.getByText(/of 1 replica, since/).waitFor()
  await shoot('replica-killed')
  await using back = await two.again()
  await page.getByText('Live, 2 of 2 replicas').waitFor()
  await eventually('the replica to serve', async () => (await back.readiness()) === 200)
  await page.close()
})
