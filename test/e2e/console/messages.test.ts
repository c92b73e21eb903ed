import { afterAll, beforeAll, expect, test } from '@jest/globals'
import amqp from 'amqplib'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { testToken } from '../../support/gateway/gateway-process.ts'
import { launchChromium, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { openConsole } from './console-page.ts'

let vhost: TestVhost
let browser: TestBrowser
let gateway: ReachableGateway
let client: Client

beforeAll(async () => {
  vhost = await testVhost('console-messages')
  gateway = await openReachable({ WARREN_BROKER_URL: vhost.url })
  browser = await launchChromium()
  const token = await testToken({ sub: 'alice' })
  client = createClient({ url: gateway.graphqlSocketUrl, webSocketImpl: WebSocket, connectionParams: { token } })
})
afterAll(async () => {
  await client?.dispose()
  await browser?.close()
  await gateway?.close()
  await vhost?.close()
})

async function operate(query: string, variables: Record<string, unknown>): Promise<unknown> {
  const response = await fetch(gateway.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${await testToken({ scope: 'operator' })}` },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors } = (await response.json()) as { data?: unknown; errors?: unknown }
  expect(errors).toBeUndefined()
  return data
}

const publish = (input: Record<string, unknown>) =>
  operate('mutation ($input: PublishInput!) { publish(input: $input) { cursor } }', { input })

test('a message is followed from publish to its client, and one without a client to its reason', async () => {
  const received = new Promise<void>((resolve) => {
    client.subscribe(
      { query: 'subscription { channel(clientId: "alice") { data } }' },
      { next: () => resolve(), error: () => undefined, complete: () => undefined },
    )
  })
  await operate('mutation ($input: CreateRabbitChannelInput!) { createRabbitChannel(input: $input) { id } }', {
    input: { exchange: 'chats', exchangeType: 'FANOUT', routingKey: '', clientId: { bodyPointer: '/to' } },
  })
  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway)

  await open('live')
  await page.getByText('Live', { exact: true }).first().waitFor()
  await publish({ clientId: 'alice', messageId: 'ord-17', data: { order: 17, total: 42.5 } })
  await received
  await publish({ clientId: 'bob', messageId: 'ord-18', data: { order: 18 } })
  await publish({ exchange: 'chats', routingKey: '', data: { to: [], text: 'anyone there?' } })
  const live = page.getByRole('table', { name: 'Messages' })
  await live.getByRole('row', { name: /delivered.*alice/ }).waitFor()
  await live.getByRole('row', { name: /no subscriber.*bob/ }).waitFor()
  await live.getByRole('row', { name: /no client.*chats/ }).waitFor()
  await live.getByRole('row', { name: /alice/ }).click()
  await page.getByRole('complementary', { name: 'The chosen message' }).getByText('"order"').waitFor()
  // While a row is chosen nothing moves; what comes is counted.
  await publish({ clientId: 'alice', data: { order: 19 } })
  await page.getByRole('button', { name: /1 newer message waits/ }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('live')
  await page.getByRole('button', { name: /1 newer message waits/ }).click()
  await live.getByRole('row', { name: /19/ }).waitFor()

  await open('trace?id=ord-17')
  await page.getByRole('status').getByText('It reached 1 of 1 subscription of alice.').waitFor()
  await page.getByRole('heading', { name: 'In words' }).waitFor()
  await page.getByText('"total"').first().waitFor()
  expect(await findings()).toEqual([])
  await shoot('trace')
  await page.getByRole('tab', { name: 'What it looks like' }).click()
  await page.getByLabel('Text in the body').fill('anyone there')
  await page.getByRole('button', { name: 'Trace', exact: true }).click()
  await page.getByText('No source finds a client').first().waitFor()
  await page.getByText(/\/to/).first().waitFor()

  await open('journal')
  await page.getByRole('row', { name: /client\.bob/ }).click()
  await page.getByRole('complementary', { name: 'The chosen message' }).getByText('"order"').waitFor()
  expect(await findings()).toEqual([])
  await shoot('journal')

  await open('sources')
  await page.getByRole('heading', { name: 'chats: why messages found no client' }).waitFor()
  await page.getByText('"anyone there?"').first().waitFor()
  await page.getByRole('button', { name: 'New source' }).click()
  await page.getByLabel('Exchange', { exact: true }).fill('chat')
  await page.getByText('There is no exchange “chat”').waitFor()
  expect(await findings()).toEqual([])
  await shoot('sources')

  expect(browser.outside()).toEqual([])
  expect(problems).toEqual([])
})

test('a broken body is mended in the quarantine and delivered', async () => {
  const token = await testToken({ sub: 'carol' })
  const carol = createClient({ url: gateway.graphqlSocketUrl, webSocketImpl: WebSocket, connectionParams: { token } })
  const mended = new Promise<unknown>((resolve) => {
    carol.subscribe(
      { query: 'subscription { channel(clientId: "carol") { data } }' },
      { next: ({ data }) => resolve(data), error: () => undefined, complete: () => undefined },
    )
  })
  await using _ = { [Symbol.asyncDispose]: async () => carol.dispose() }
  const connection = await amqp.connect(vhost.url)
  const channel = await connection.createConfirmChannel()
  const properties = { contentType: 'application/json', appId: 'billing' }
  channel.publish('warren.events', 'client.carol', Buffer.from('{"order": 9139, "note": "tw'), properties)
  await channel.waitForConfirms()
  await connection.close()
  const { page, problems, open, shoot, findings } = await openConsole(browser, gateway)
  await open('quarantine')
  await page.getByRole('heading', { name: 'client.carol' }).waitFor()
  expect(await findings()).toEqual([])
  await shoot('quarantine')
  expect(await page.getByRole('button', { name: 'Publish edited' }).isDisabled()).toBe(true)
  await page.getByLabel('Edit').fill('{"order": 9139, "note": "two"}')
  await page.getByRole('button', { name: 'Publish edited' }).click()
  expect(await mended).toEqual({ channel: { data: { order: 9139, note: 'two' } } })
  await page.getByText('The quarantine is empty').waitFor()
  expect(problems).toEqual([])
})
