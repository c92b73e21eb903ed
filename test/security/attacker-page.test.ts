import { createServer } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { launchChromium, type TestBrowser } from '../support/chromium.ts'
import { type InProcessGateway, openGateway } from '../support/gateway-in-process.ts'
import { freePort } from '../support/ports.ts'

/** A name of somebody else that leads to this machine: any site may point its name anywhere. */
const evil = 'evil.example'

let gateway: InProcessGateway
let browser: TestBrowser
let page: Page
let close: () => void

beforeAll(async () => {
  gateway = await openGateway({ WARREN_TEST_ROUTES: 'on' })
  browser = await launchChromium({ ownNames: [evil] })
  const port = await freePort()
  const site = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>evil</title>')
  }).listen(port, '127.0.0.1')
  close = () => site.close()
  page = await browser.context.newPage()
  await page.goto(`http://${evil}:${port}/`)
}, 60_000)
afterAll(async () => {
  await browser?.close()
  close?.()
  await gateway?.close()
})

const registration =
  'mutation { createClientChannel(input: { clientId: "mallory", name: "m", email: "m@example.com", password: "correct horse" }) { token } }'

/** Whether a client of that name has been registered, as an operator sees it. */
async function registered(): Promise<boolean> {
  const query = '{ clientChannel(clientId: "mallory") { name } }'
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` }
  const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return ((await response.json()) as { data: { clientChannel: unknown } }).data.clientChannel !== null
}

test('a page of another site posts forms to a gateway on this machine, and nothing is executed', async () => {
  const sent: number[] = []
  browser.context.on('response', (response) => {
    if (response.request().method() === 'POST' && response.url().startsWith(gateway.url)) sent.push(response.status())
  })
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const submitted = page.waitForEvent('framenavigated', (frame) => frame.name() === type)
    await page.evaluate(
      ([action, enctype, query]) => {
        const frame = document.createElement('iframe')
        frame.name = enctype ?? ''
        document.body.append(frame)
        const form = document.createElement('form')
        Object.assign(form, { action, enctype, method: 'POST', target: enctype })
        const field = document.createElement('input')
        // As text/plain the name, "=" and the value are one JSON text.
        if (enctype === 'text/plain')
          Object.assign(field, { name: `{"query":${JSON.stringify(query)},"x":"`, value: '"}' })
        else Object.assign(field, { name: 'query', value: query })
        form.append(field)
        document.body.append(form)
        form.submit()
      },
      [gateway.graphqlUrl, type, registration],
    )
    await submitted
  }
  expect(sent).toEqual([403, 403, 403])
  expect(await registered()).toBe(false)
}, 60_000)

test('nor does an image of it reach a route that publishes', async () => {
  const status = page.waitForResponse((response) => response.url().includes('publish-data-over-ch'))
  await page.evaluate((url) => {
    new Image().src = url
  }, `${gateway.url}/v1/publish-data-over-ch?clientId=mallory`)
  expect((await status).status()).toBe(403)
}, 60_000)

test('a page whose name was rebound to this machine is no page of the gateway', async () => {
  const { port } = new URL(gateway.url)
  const response = await page.goto(`http://${evil}:${port}/`)
  expect(response?.status()).toBe(421)
  // It is of the same origin now: what it asks needs no permission, and brings no `Origin` that tells.
  const answer = await page.evaluate(async (query) => {
    const headers = { 'content-type': 'application/json' }
    const told = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) })
    return [told.status, await told.text()]
  }, registration)
  expect(answer).toEqual([421, expect.stringContaining('WARREN_ALLOWED_HOSTS')])
  expect(await registered()).toBe(false)
}, 60_000)
