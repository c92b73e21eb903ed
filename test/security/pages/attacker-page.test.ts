import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Page } from 'playwright-core'
import { type InProcessGateway, openGateway } from '../../support/gateway/gateway-in-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'

/** A foreign name that resolves to this machine: any site may point its name anywhere. */
const evil = 'evil.loopback.example'

let gateway: InProcessGateway
let browser: TestBrowser

beforeAll(async () => {
  gateway = await openGateway({ WARREN_TEST_ROUTES: 'on' })
  browser = await openBrowser()
})
afterAll(async () => {
  await browser?.close()
  await gateway?.close()
})

/** A page of the other site, as its server sent it before the name resolved to this machine. */
async function evilPage(port = '8080'): Promise<Page> {
  const page = await browser.context.newPage()
  const url = `http://${evil}:${port}/`
  await page.route(url, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>evil</title>' }),
  )
  await page.goto(url)
  await page.unroute(url)
  return page
}

const registration =
  'mutation { createClientChannel(input: { clientId: "mallory", name: "m", email: "m@example.com", password: "correct horse" }) { token } }'

async function asOperator<Data>(query: string): Promise<Data> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${gateway.operatorToken}` }
  const response = await fetch(gateway.graphqlUrl, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return ((await response.json()) as { data: Data }).data
}

async function registered(): Promise<boolean> {
  const { clientChannel } = await asOperator<{ clientChannel: unknown }>(
    '{ clientChannel(clientId: "mallory") { name } }',
  )
  return clientChannel !== null
}

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'])(
  'a page of another site posts a form of the type %s to a gateway on this machine, and nothing is executed',
  async (type) => {
    await using page = await evilPage()
    const posted = page.waitForResponse((response) => response.request().method() === 'POST')
    // As text/plain the name of a field, "=" and its value form one JSON text.
    const [name, value] =
      type === 'text/plain' ? [`{"query":${JSON.stringify(registration)},"x":"`, '"}'] : ['query', registration]
    await page.evaluate(
      ({ action, enctype, name, value }) => {
        const form = document.createElement('form')
        Object.assign(form, { action, enctype, method: 'POST' })
        const field = document.createElement('input')
        Object.assign(field, { type: 'hidden', name, value })
        form.append(field)
        document.body.append(form)
        form.submit()
      },
      { action: gateway.graphqlUrl, enctype: type, name, value },
    )
    expect((await posted).status()).toBe(403)
    expect(await registered()).toBe(false)
  },
)

test('nor does an image of it reach a route that publishes', async () => {
  await using page = await evilPage()
  // The answer is not an image, and the browser hides it from the page.
  const failed = page.waitForEvent('requestfailed')
  await page.evaluate((url) => {
    new Image().src = url
  }, `${gateway.url}/v1/publish-data-over-ch?clientId=mallory`)
  await failed
  const { history } = await asOperator<{ history: { events: unknown[] } }>(
    '{ history(clientId: "mallory") { events { data } } }',
  )
  expect(history.events).toEqual([])
})

test('a page with a name rebound to this machine is not a page of the gateway', async () => {
  await using page = await evilPage(new URL(gateway.url).port)
  // For the browser it has the gateway's own origin, so its requests need no permission.
  const answer = await page.evaluate(async (query) => {
    const headers = { 'content-type': 'application/json' }
    const reply = await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) })
    return [reply.status, await reply.text()]
  }, registration)
  expect(answer).toEqual([421, expect.stringContaining('WARREN_ALLOWED_HOSTS')])
  expect(await registered()).toBe(false)
})
