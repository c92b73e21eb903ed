import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { eventually } from '../../support/eventually.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { type GatewayProcess, startGateway, testSecret, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { callerOf } from '../back-end/graphql-caller.ts'
import { goByKeys, openConsole } from './console-page.ts'

let vhost: TestVhost
let browser: TestBrowser
let replicas: readonly [GatewayProcess, ReachableGateway]
const clients: Client[] = []

beforeAll(async () => {
  vhost = await testVhost('console')
  // Long enough for the page to show a client that has just left.
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_JWT_SECRET: testSecret, WARREN_PRESENCE_GRACE: '1m' }
  const [one, two] = await Promise.all([startGateway({ env }), openReachable(env)])
  replicas = [one, two]
  browser = await openBrowser()
})
afterAll(async () => {
  for (const client of clients) await client.dispose()
  await browser?.close()
  await Promise.all((replicas ?? []).map((replica) => replica[Symbol.asyncDispose]()))
  await vhost?.close()
})

/** Subscribes to its channel. Counts how often it connected. */
async function subscriber(
  clientId: string,
  replica: Pick<GatewayProcess, 'graphqlSocketUrl'>,
): Promise<{ connections: () => number }> {
  let connections = 0
  const token = await testToken({ sub: clientId })
  await new Promise<void>((resolve) => {
    const client = createClient({
      url: replica.graphqlSocketUrl,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 1_000,
      shouldRetry: () => true,
      retryWait: () => new Promise((again) => setTimeout(again, 200)),
      on: {
        connected: () => {
          connections += 1
          resolve()
        },
      },
    })
    clients.push(client)
    client.subscribe(
      { query: 'subscription ($id: ID!) { channel(clientId: $id) { data } }', variables: { id: clientId } },
      { next: () => undefined, error: () => undefined, complete: () => undefined },
    )
  })
  return { connections: () => connections }
}

/** Subscribes to its channel over server-sent events. */
async function streamSubscriber(
  clientId: string,
  { graphqlUrl }: Pick<GatewayProcess, 'graphqlUrl'>,
): Promise<{ cancel: () => Promise<void> }> {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: {
      accept: 'text/event-stream',
      'content-type': 'application/json',
      authorization: `Bearer ${await testToken({ sub: clientId })}`,
    },
    body: JSON.stringify({ query: `subscription { channel(clientId: "${clientId}") { data } }` }),
  })
  expect(response.status).toBe(200)
  // Once a response is garbage, undici cancels its body, unless it has a reader.
  const reader = response.body?.getReader()
  return { cancel: async () => reader?.cancel() }
}

test('an operator signs in by the link, finds a client on another replica and disconnects it; an observer may not', async () => {
  const [one, two] = replicas
  const alice = await subscriber('alice', two)
  await subscriber('bob', one)
  const { page, problems, open, shoot, findings } = await openConsole(browser, one)

  await page.getByRole('heading', { name: 'Overview' }).waitFor()
  await page.waitForURL((url) => !url.href.includes('token'))
  await page.getByText('Live, 2 of 2 replicas').waitFor()
  await page.getByText('Every event that was matched is accounted for.').waitFor()
  expect(await findings()).toEqual([])
  await shoot('overview')

  // A card of a transport opens its clients, over both replicas, with a filter that can be removed.
  const stream = await streamSubscriber('sid', two)
  await page.getByRole('link', { name: /^sse/ }).click()
  const clientRows = page.getByRole('table', { name: 'Clients' })
  await clientRows.getByRole('row', { name: /sid/ }).waitFor()
  await page.getByText('1 client, by client id').waitFor()
  expect(await clientRows.getByRole('row', { name: /alice|bob/ }).count()).toBe(0)
  await page.getByText('transport:').waitFor()
  expect(await findings()).toEqual([])
  await shoot('clients-of-transport')
  await page.getByRole('button', { name: 'Remove the filter transport' }).click()
  await clientRows.getByRole('row', { name: /alice/ }).waitFor()
  // The headline counts what the list has, with the operator's page, and who just left.
  await page.getByText('4 clients are online; none is slow.').waitFor()
  await stream.cancel()
  await page.getByText('3 clients are online, 1 left a moment ago and may be back; none is slow.').waitFor()
  await page.getByRole('button', { name: 'Online 3' }).waitFor()

  await open('')
  await goByKeys(page, 'c')
  await page.getByRole('heading', { name: 'Clients' }).waitFor()
  // The next Tab is for the view, not for the navigation.
  await page.keyboard.press('Tab')
  expect(await page.evaluate("document.activeElement.closest('main') !== null")).toBe(true)
  await page.getByRole('row', { name: /alice/ }).waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('ali')
  await page.getByRole('row', { name: /bob/ }).waitFor({ state: 'detached' })
  await page.waitForURL(/search=ali/)
  await page.getByRole('row', { name: /alice/ }).click()
  const detail = page.getByRole('complementary', { name: 'Client alice' })
  await detail.getByText('graphql-ws').first().waitFor()
  expect(await findings()).toEqual([])
  await shoot('clients')

  await detail.getByRole('button', { name: 'Disconnect' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('resumes at its cursor').waitFor()
  expect(await findings()).toEqual([])
  await dialog.getByRole('button', { name: 'Disconnect' }).click()
  await page.getByText('The session of alice was closed').waitFor()
  await eventually('alice to connect again', () => alice.connections() === 2)
  await page.reload()
  await detail.waitFor()

  // What alice receives, read at another position, with the operator's name in the log.
  await detail.getByRole('button', { name: 'Open a test subscription as this client' }).click()
  await detail.getByText('Waiting for events').waitFor()
  await one.printed(/nadia.*"audit: test subscription"/)
  const operate = callerOf(one.graphqlUrl, await testToken({ scope: 'operator' }))
  await operate('mutation { publish(input: { clientId: "alice", data: { order: 17 } }) { cursor } }')
  const events = detail.getByRole('list', { name: 'Events, newest first' })
  await events.getByText('{ "order": 17 }').waitFor()
  expect(await findings()).toEqual([])
  await shoot('test-subscription')
  await detail.getByRole('button', { name: 'End it' }).click()
  await events.waitFor({ state: 'detached' })

  // A client that was cut off has no session, and is found nevertheless.
  await streamSubscriber('mira', two)
  await operate('mutation { revoke(clientId: "mira") }')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Find' }).fill('mir')
  await page.getByRole('option', { name: 'mira client, ended: revoked' }).waitFor()
  await shoot('find-ended')
  await page.getByRole('option', { name: 'mira client, ended: revoked' }).click()
  const gone = page.getByRole('complementary', { name: 'Client mira' })
  await gone.getByText('mira, revoked').waitFor()
  expect(await findings()).toEqual([])

  await open('replicas')
  await page.getByText('Both replicas are at the journal’s end.').waitFor()
  await page.getByRole('row', { name: new RegExp(`:${two.port}`) }).click()
  expect(await findings()).toEqual([])
  await shoot('replicas')

  const observer = await openConsole(browser, one, { scope: 'observe' })
  await observer.open('clients?client=bob')
  await observer.page.getByRole('button', { name: 'Disconnect', disabled: true }).waitFor()
  await observer.shoot('observer')
  const off = ['Revoke', 'Ban', 'Open a test subscription as this client']
  for (const name of off) await observer.page.getByRole('button', { name, exact: true, disabled: true }).waitFor()
  // The page is no protection: the gateway refuses.
  const refused = callerOf(one.graphqlUrl, await testToken({ scope: 'observe' }))
  for (const change of ['disconnect(session: "x")', 'revoke(clientId: "bob")', 'drop(ids: ["x"]) { missing }'])
    await expect(refused(`mutation { ${change} }`)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(browser.outside()).toEqual([])
  expect([...problems, ...observer.problems]).toEqual([])
})

test('what a view asks again goes over its socket', async () => {
  const [one, two] = replicas
  await subscriber('asked-a', two)
  const { page, problems, open } = await openConsole(browser, one)
  // Also those of the page of another test.
  for (const other of browser.context.pages()) if (other !== page) await other.close()
  await open('clients?search=asked-')
  const rows = page.getByRole('table', { name: 'Clients' }).getByRole('row')
  await rows.getByText('asked-a').waitFor()
  await page.getByText(/^Live, 2 of 2 replicas/).waitFor()
  const requests = browser.requests.length
  await subscriber('asked-b', two)
  await rows.getByText('asked-b').waitFor()
  expect(browser.requests.slice(requests)).toEqual([])
  expect(problems).toEqual([])
})

test('no row moves while the pointer is in the list, and each is in its place when it leaves', async () => {
  const [one, two] = replicas
  await subscriber('held-b', two)
  const { page, problems, open } = await openConsole(browser, one)
  await open('clients?search=held-')
  const rows = page.getByRole('table', { name: 'Clients' }).getByRole('row')
  const names = async (): Promise<string> => {
    const texts = await rows.allInnerTexts()
    return texts.flatMap((text) => /held-\w/.exec(text) ?? []).join(' ')
  }
  await rows.getByText('held-b').hover()
  await subscriber('held-a', two)
  // The pointer of a person is never quite still.
  let x = 0
  await eventually('the new client, behind the row under the pointer', async () => {
    x = 1 - x
    await rows.getByText('held-b').hover({ position: { x, y: 2 } })
    return (await names()) === 'held-b held-a'
  })
  await page.mouse.move(5, 5)
  await eventually('the order by name', async () => (await names()) === 'held-a held-b')
  expect(problems).toEqual([])
})
