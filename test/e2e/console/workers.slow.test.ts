import { readdirSync, readFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql, type GraphqlClient } from '../../support/frames/graphql-frames.ts'
import { type GatewayProcess, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { openBrowser, type TestBrowser } from '../../support/processes/chromium.ts'
import { type TestVhost, testVhost } from '../../support/rabbitmq/broker.ts'
import { openConsole } from './console-page.ts'

let vhost: TestVhost
let browser: TestBrowser
let gateway: GatewayProcess
let token: string

beforeAll(async () => {
  vhost = await testVhost('console-workers')
  const env = { WARREN_BROKER_URL: vhost.url, WARREN_WORKERS: '2', WARREN_LOG_FORMAT: 'json' }
  gateway = await startGateway({ env })
  await gateway.printed(/workers serve together/)
  browser = await openBrowser()
  token = await testToken({ sub: 'nadia', scope: 'operator' })
})
afterAll(async () => {
  await browser?.close()
  await gateway?.stop()
  await vhost?.close()
})

interface Answer {
  readonly status: number | undefined
  readonly headers: IncomingMessage['headers']
  readonly text: string
}

/** A request to the ops port of the primary. */
function ask(
  path: string,
  { query, from, headers = {} }: { query?: string; from?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({
      host: '127.0.0.1',
      port: gateway.opsPort,
      path,
      method: query === undefined ? 'GET' : 'POST',
      ...(from === undefined ? {} : { localAddress: from }),
      headers: {
        ...(query === undefined
          ? {}
          : { 'content-type': 'application/json', accept: 'application/graphql-response+json' }),
        ...headers,
      },
    })
    asked.once('error', reject)
    asked.once('response', (response: IncomingMessage) => {
      let text = ''
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece
      })
      response.once('end', () => resolve({ status: response.statusCode, headers: response.headers, text }))
    })
    asked.end(query === undefined ? undefined : JSON.stringify({ query }))
  })
}

const bearer = (value: string) => ({ authorization: `Bearer ${value}` })

test('the ops port of a primary serves the console, GraphQL and its own pages', async () => {
  const page = await ask('/console/clients')
  expect(page).toMatchObject({ status: 200, text: expect.stringContaining('<!doctype html>') })
  expect(page.headers['content-security-policy']).toContain("script-src 'self'")
  const [, asset = ''] = /src="(\/console\/assets\/[^"]+)"/.exec(page.text) ?? []
  expect(await ask(asset)).toMatchObject({ status: 200 })
  const query = '{ replicas { name } }'
  for (const path of ['/graphql', '/console/graphql']) {
    expect(await ask(path, { query })).toMatchObject({ status: 401 })
    const client = await testToken({ sub: 'alice' })
    expect(await ask(path, { query, headers: bearer(client) })).toMatchObject({ status: 403 })
    const { status, text } = await ask(path, { query, headers: bearer(token) })
    expect([status, (JSON.parse(text) as { data: { replicas: unknown[] } }).data.replicas]).toEqual([
      200,
      [{ name: expect.any(String) }, { name: expect.any(String) }],
    ])
  }
  expect(await ask('/graphql', { query, headers: { host: 'example.com' } })).toMatchObject({ status: 421 })
  expect(await ask('/elsewhere')).toMatchObject({ status: 404, text: expect.stringContaining('/metrics') })
  expect((await ask('/metrics')).text).toContain('warren_workers 2')
  await gateway.printed(new RegExp(`"name":"console","url":"http://127.0.0.1:${gateway.opsPort}/console"`))
})

test('the configuration has the ops port, which the primary serves for its workers', async () => {
  const query = '{ configuration { options { name value origin replicas { value } } } }'
  const { text } = await ask('/console/graphql', { query, headers: bearer(token) })
  const { data } = JSON.parse(text) as { data: { configuration: { options: { name: string }[] } } }
  const port = String(gateway.opsPort)
  expect(data.configuration.options.find(({ name }) => name === 'WARREN_OPS_PORT')).toEqual({
    name: 'WARREN_OPS_PORT',
    value: port,
    origin: 'ENVIRONMENT',
    // The two workers.
    replicas: [{ value: port }, { value: port }],
  })
})

test('a worker logs a change with the address of the operator, whatever headers the operator sends', async () => {
  const answer = await ask('/console/graphql', {
    query: 'mutation { ban(clientId: "mallory") }',
    from: '127.0.0.7',
    headers: { ...bearer(token), 'x-warren-peer': '10.9.9.9', 'x-warren-primary': 'guessed' },
  })
  expect(answer).toMatchObject({ status: 200, text: '{"data":{"ban":true}}' })
  const [line] = await gateway.printed(/.*mallory.*"msg":"audit: ban.*/)
  expect(line).toContain('127.0.0.7')
  expect(line).not.toContain('10.9.9.9')
})

test('a console stays live when the worker that serves it is killed', async () => {
  const { page, open, problems } = await openConsole(browser, gateway, { token })
  await open('clients')
  await using alice = await connectAs('alice')
  alice.subscribe('subscription { channel(clientId: "alice") { data } }')
  await page.getByRole('row', { name: /alice/ }).waitFor()
  const socketUrl = `ws://127.0.0.1:${gateway.opsPort}/console/graphql`
  await using watching = await connectGraphql(socketUrl, { connectionParams: { token } })
  const { data } = await watching.request('{ gateway { replica } }')
  const { replica } = data!['gateway'] as { replica: string }
  const number = Number(/\/(\d+)$/.exec(replica)?.[1])
  const pids = workersOf(gateway)
  const killed = pids[number - 1]!
  process.kill(killed, 'SIGKILL')
  expect((await watching.closed).code).toBe(1006)

  // The other worker answers as soon as the primary has noticed the end of the first one.
  const text = await eventually('an answer of the other worker', async () => {
    const answer = await ask('/graphql', { query: '{ gateway { replica } }', headers: bearer(token) })
    return answer.status === 200 && answer.text
  })
  expect(text).not.toContain(`/${number}"`)
  await using bob = await connectAs('bob')
  bob.subscribe('subscription { channel(clientId: "bob") { data } }')
  await page.getByRole('row', { name: /bob/ }).waitFor()
  await open('replicas')
  await eventually('another worker', async () => (await ask('/metrics')).text.includes('warren_workers 2'))
  await page.getByRole('row', { name: /\/3/ }).first().waitFor()
  const unexpected = problems.filter((text) => !/WebSocket connection|ERR_|502|503/.test(text))
  expect(unexpected).toEqual([])
})

async function connectAs(clientId: string): Promise<GraphqlClient> {
  const connectionParams = { token: await testToken({ sub: clientId }) }
  return connectGraphql(gateway.graphqlSocketUrl, { connectionParams })
}

/** The processes that the primary has started, the oldest first, from Linux. */
function workersOf({ pid }: GatewayProcess): number[] {
  const pids = readdirSync('/proc').map(Number)
  const isChild = (other: number): boolean => {
    try {
      return new RegExp(`^PPid:\\s+${pid}$`, 'm').test(readFileSync(`/proc/${other}/status`, 'utf8'))
    } catch {
      return false
    }
  }
  return pids.filter((other) => other > 0 && isChild(other)).toSorted((one, other) => one - other)
}
