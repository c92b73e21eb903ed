import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf, publish } from '../back-end/graphql-caller.ts'
import { openConsole } from './console-page.ts'

let vhost: TestVhost
let browser: TestBrowser
let replicas: readonly [GatewayProcess, GatewayProcess]
let client: GraphqlClient

beforeAll(async () => {
  vhost = await testVhost('console-over-time')
  const env = { WARREN_BROKER_URL: vhost.url }
  const [one, two] = await Promise.all([startGateway({ env }), startGateway({ env })])
  replicas = [one, two]
  browser = await openBrowser()
  client = await connectGraphql(two.graphqlSocketUrl, {
    connectionParams: { token: await testToken({ sub: 'alice' }) },
  })
  client.subscribe('subscription { channel(clientId: "alice") { cursor } }')
  const call = callerOf(one.graphqlUrl, await testToken({ scope: 'operator' }))
  for (let n = 0; n < 20; n += 1) await call(publish, { input: { clientId: 'alice', data: n } })
})
afterAll(async () => {
  await client?.[Symbol.asyncDispose]()
  await browser?.close()
  await Promise.all((replicas ?? []).map((replica) => replica.stop()))
  await vhost?.close()
})

test('a replica is drained and put back, after a confirmation', async () => {
  const [one, two] = replicas
  const { page, problems, open, shoot, findings } = await openConsole(browser, one)
  await open('replicas')
  await page.getByRole('row', { name: new RegExp(`:${two.port}`) }).click()
  await page.getByRole('button', { name: 'Drain' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('continue on the other replica with their cursors').waitFor()
  expect(await findings()).toEqual([])
  await shoot('replica-drain')
  await dialog.getByRole('button', { name: 'Drain' }).click()
  expect(await client.closed).toMatchObject({ code: 1012 })
  await page.getByText('drained').first().waitFor()
  await eventually('an unready replica', async () => (await two.readiness()) === 503)
  await shoot('replica-drained')
  expect(await findings()).toEqual([])
  await page.getByRole('button', { name: 'Put back into service' }).click()
  await page.getByText('takes sessions again').waitFor()
  await eventually('a ready replica', async () => (await two.readiness()) === 200)

  const observer = await openConsole(browser, one, { scope: 'observe' })
  await observer.open('replicas')
  await observer.page.getByRole('row', { name: new RegExp(`:${two.port}`) }).click()
  await observer.page.getByRole('button', { name: 'Drain', disabled: true }).waitFor()
  expect([...problems, ...observer.problems]).toEqual([])
})

test('the journal shows messages by time, by keyboard too, and the overview the last hour and day', async () => {
  const { page, problems, open, shoot, findings } = await openConsole(browser, replicas[0])
  await open('journal')
  const slider = page.getByRole('slider', { name: 'Time in the journal' })
  await page.getByText('20 messages of all sources').waitFor()
  await slider.focus()
  await page.keyboard.press('End')
  const most = (await slider.getAttribute('aria-valuemax')) ?? ''
  await eventually('the last place', async () => (await slider.getAttribute('aria-valuenow')) === most)
  const last = await slider.getAttribute('aria-valuetext')
  await page.keyboard.press('ArrowLeft')
  await eventually('a place before it', async () => (await slider.getAttribute('aria-valuetext')) !== last)
  await shoot('journal-histogram')
  expect(await findings()).toEqual([])
  await page.keyboard.press('Enter')
  await page.waitForURL(/time=/)
  await page.getByRole('button', { name: '24 h' }).click()
  await page.getByText(/Grey: (before the first message|no longer kept)/).waitFor()

  await open('')
  await page.getByRole('heading', { name: 'Rates of the last hour' }).waitFor()
  await page.getByText(/Rates of the last hour\. At last/).waitFor()
  await page.getByRole('button', { name: '24 h' }).click()
  await page.getByRole('heading', { name: 'Rates of the last 24 hours' }).waitFor()
  await page.getByRole('heading', { name: 'Rates of the last 24 hours' }).scrollIntoViewIfNeeded()
  await shoot('overview-history')
  expect(await findings()).toEqual([])
  expect(problems).toEqual([])
})
