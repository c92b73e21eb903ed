import { readdirSync, statSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { pause } from '../../ledger/pause.ts'
import { ask as askRaw } from '../../security/ask.ts'
import { eventually } from '../../support/eventually.ts'
import { connectGraphql } from '../../support/frames/graphql-frames.ts'
import { openReachable, type ReachableGateway } from '../../support/gateway/gateway-in-process.ts'
import { startGateway, testToken } from '../../support/gateway/gateway-process.ts'

const ops = ({ address, opsPort }: ReachableGateway) => `http://${address}:${opsPort}`

/** The status and the error codes of `{ gateway { version } }` over HTTP. */
async function ask(url: string, token?: string): Promise<{ status: number; codes: unknown[]; data: unknown }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: '{ gateway { version } }' }),
  })
  const { data, errors = [] } = (await response.json()) as {
    data?: unknown
    errors?: { extensions?: { code?: string } }[]
  }
  return { status: response.status, codes: errors.map(({ extensions }) => extensions?.code), data }
}

/** Resolves to the close code of a socket that presents the token, or to 'open'. */
function connect(url: string, token: string): Promise<number | 'open'> {
  return new Promise((resolve) => {
    const client: Client = createClient({
      url: url.replace('http', 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: { token },
      lazy: false,
      retryAttempts: 0,
      onNonLazyError: () => undefined,
      on: {
        connected: () => {
          resolve('open')
          void client.dispose()
        },
        closed: (event) => resolve((event as { code: number }).code),
      },
    })
  })
}

test('the ops port serves the console and GraphQL for operators and observers only', async () => {
  await using gateway = await openReachable()
  const [client, operator, observer] = await Promise.all([
    testToken({ sub: 'alice' }),
    testToken({ scope: 'operator' }),
    testToken({ scope: 'observe' }),
  ])
  for (const path of ['/graphql', '/console/graphql']) {
    const url = `${ops(gateway)}${path}`
    expect(await ask(url)).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] })
    expect(await ask(url, client)).toMatchObject({ status: 403, codes: ['FORBIDDEN'] })
    for (const token of [operator, observer])
      expect(await ask(url, token)).toMatchObject({ status: 200, data: { gateway: { version: expect.any(String) } } })
    // As every FORBIDDEN at the start of a connection (docs/errors.md).
    expect(await connect(url, client)).toBe(4292)
    expect(await connect(url, observer)).toBe('open')
  }

  const page = await fetch(`${ops(gateway)}/console/clients?search=a`)
  expect(page.status).toBe(200)
  const policy = page.headers.get('content-security-policy') ?? ''
  expect(policy).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  const html = await page.text()
  expect(html).not.toMatch(/<script>|<style|style=|https?:/)
  const [, asset = ''] = /src="(\/console\/assets\/[^"]+\.js)"/.exec(html) ?? []
  const script = await fetch(ops(gateway) + asset, { headers: { 'accept-encoding': 'br' } })
  expect(script.headers.get('content-encoding')).toBe('br')
  expect(script.headers.get('cache-control')).toContain('immutable')

  for (const missing of ['/console/assets/none.js', '/console/assets/..%2f..%2fpackage.json', '/consolex', '/v1'])
    expect((await fetch(ops(gateway) + missing)).status).toBe(404)
  expect((await fetch(`${gateway.url}/console`)).status).toBe(404)
  expect((await askRaw(`${ops(gateway)}/console`, { headers: { host: 'evil.example' } })).status).toBe(421)
  const foreign = await fetch(`${ops(gateway)}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      origin: 'https://evil.example',
      authorization: `Bearer ${operator}`,
    },
    body: '{"query":"{ gateway { version } }"}',
  })
  expect(foreign.status).toBe(403)
})

test('WARREN_CONSOLE=on serves it on the main port too, and off serves it nowhere', async () => {
  await using both = await openReachable({ WARREN_CONSOLE: 'on' })
  expect((await fetch(`${both.url}/console`)).status).toBe(200)
  expect((await fetch(`${ops(both)}/console`)).status).toBe(200)
  // Clients have the public endpoint of the port, and not the one of the console.
  const client = await testToken({ sub: 'alice' })
  expect(await ask(both.graphqlUrl, client)).toMatchObject({ status: 200 })
  expect(await ask(`${both.url}/console/graphql`, client)).toMatchObject({ status: 403, codes: ['FORBIDDEN'] })

  await using off = await openReachable({ WARREN_CONSOLE: 'off' })
  for (const url of [`${off.url}/console`, `${ops(off)}/console`, `${ops(off)}/graphql`])
    expect((await fetch(url)).status).toBe(404)
})

test('a console on a laptop that sleeps costs nothing: the gateway closes its socket, and nothing more is executed', async () => {
  await using gateway = await startGateway({ env: { WARREN_KEEP_ALIVE: '2s', WARREN_TEST_ROUTES: 'on' } })
  const publish = async () => {
    const answer = await fetch(`${gateway.url}/v1/publish-data-over-ch?clientId=alice&count=20`)
    expect(answer.status).toBe(200)
  }
  const countOf = async (name: string) =>
    Number(new RegExp(`^${name}(?:\\{transport="graphql-ws"\\})? (\\d+)$`, 'm').exec(await gateway.metrics())?.[1])
  const client = await connectGraphql(`ws://${gateway.address}:${gateway.opsPort}/console/graphql`, {
    connectionParams: { token: await testToken({ scope: 'observe' }) },
  })
  try {
    const rates = client.subscribe('subscription { gatewayStats(every: 250) { at } }')
    const tail = client.subscribe('subscription { tail { seen } }')
    await rates.next()
    await publish()
    expect((await tail.next()).data).toEqual({ tail: { seen: expect.any(Number) } })
    expect(await countOf('warren_subscriptions')).toBe(2)
    // It reads nothing and answers nothing, and the connection stays.
    client.frames.socket.pause()
    await eventually('the end of both subscriptions', async () => (await countOf('warren_subscriptions')) === 0)
    const executed = await countOf('warren_executions_total')
    for (let times = 0; times < 5; times += 1) {
      await publish()
      // Longer than the interval of either.
      await pause(300)
    }
    expect(await countOf('warren_executions_total')).toBe(executed)
  } finally {
    client.frames.socket.resume()
    await client[Symbol.asyncDispose]()
  }
})

test('the start prints a sign-in link, but only if the secret was generated', async () => {
  await using generated = await startGateway({ env: { WARREN_JWT_SECRET: undefined as never } })
  const [, link = ''] = await generated.printed(/^ *(http:\S+\/console#token=\S+)$/m)
  const { hash, origin } = new URL(link)
  expect(await ask(`${origin}/graphql`, hash.slice('#token='.length))).toMatchObject({ status: 200 })

  await using configured = await startGateway()
  expect(configured.output()).toContain('/console')
  expect(configured.output()).not.toContain('#token=')
})

test('the console is less than 300 KiB, compressed, and the Explorer apart from it too', () => {
  const files = readdirSync('dist/console', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.br'),
  )
  const sizeOf = (some: string[]): number => some.reduce((sum, file) => sum + statSync(`dist/console/${file}`).size, 0)
  const [explorer, others] = [true, false].map((wanted) =>
    files.filter((file) => file.startsWith('assets/explorer/') === wanted),
  ) as [string[], string[]]
  expect(others.length).toBeGreaterThan(5)
  expect(sizeOf(others)).toBeLessThan(300 * 1024)
  expect(explorer.length).toBeGreaterThan(5)
  expect(sizeOf(explorer)).toBeLessThan(300 * 1024)
})
