import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { Inbox } from '../support/frames/inbox.ts'
import { type InProcessGateway, openGateway } from '../support/gateway/gateway-in-process.ts'
import { freePort } from '../support/network/ports.ts'
import { debianPackages, locate } from '../support/processes/debian-package.ts'
import { spawnGuarded } from '../support/processes/guarded-process.ts'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'
import { callerOf, channelQuery, publish } from './back-end/graphql-caller.ts'

/** nginx with the configuration of docs/guides/proxies.md, and a gateway behind it. */
let gateway: InProcessGateway
let url: string
let stop: () => Promise<void>

beforeAll(async () => {
  gateway = await openGateway({ WARREN_PROXY_HOPS: '1' })
  const port = await freePort()
  stop = await startNginx(port)
  url = `http://127.0.0.1:${port}`
  await eventually('nginx to answer', async () => (await fetch(`${url}/graphql?query={__typename}`)).ok)
})
afterAll(async () => {
  await stop?.()
  await gateway?.close()
})

async function startNginx(port: number): Promise<() => Promise<void>> {
  const folder = newFolder()
  const guide = readFileSync('docs/guides/proxies.md', 'utf8')
  const [, server = ''] = /```nginx\n(.*?)```/s.exec(guide) ?? []
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  )
  const text = server
    .replace('127.0.0.1:4000', new URL(gateway.url).host)
    .replace('listen 8080', `listen 127.0.0.1:${port}`)
  const file = join(folder, 'nginx.conf')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  writeFileSync(
    file,
    `daemon off; master_process off; ${user} pid ${folder}/pid; error_log ${folder}/error.log;
events {}
http { access_log off; ${paths.join(' ')}
${text}}`,
  )
  const child = spawnGuarded(
    locate(debianPackages.nginx),
    ['-p', folder, '-c', file, '-e', join(folder, 'error.log')],
    {
      env: { PATH: process.env['PATH'] ?? '' },
      output: 'ignore',
    },
  )
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return async () => {
    child.kill('SIGTERM')
    await exited
    removeFolder(folder)
  }
}

type Result = { data?: { channel?: { data: unknown } } | null }

test.each([
  [
    'graphql-transport-ws',
    (token: string) =>
      createWsClient({
        url: `${url.replace('http', 'ws')}/graphql`,
        webSocketImpl: WebSocket,
        connectionParams: { token },
      }),
  ],
  [
    'server-sent events',
    (token: string) => createSseClient({ url: `${url}/graphql`, headers: { authorization: `Bearer ${token}` } }),
  ],
])('%s: each event arrives at once', async (name, clientOf) => {
  const clientId = name.replaceAll(/\W/g, '')
  const client = clientOf(await gateway.clientToken(clientId))
  const events = new Inbox<unknown>('an event')
  client.subscribe<{ channel: { data: unknown } }>(
    { query: channelQuery, variables: { clientId } },
    {
      next: (result) => events.push((result as Result).data?.channel?.data),
      error: (error) => events.end(error as Error),
      complete: () => {},
    },
  )
  await eventually('the subscription', () => gateway.gateway.hub.size === 1)
  const call = callerOf(`${url}/graphql`, gateway.operatorToken)
  for (const n of [1, 2, 3]) {
    await call(publish, { input: { clientId, data: { n } } })
    // The next one is sent when this one is here, so a proxy that waits for more fails the test.
    expect(await events.next()).toEqual({ n })
  }
  await client.dispose()
  await eventually('no subscription', () => gateway.gateway.hub.size === 0)
})

test('a session has the address of its client, not that of nginx', async () => {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws', {
    headers: { 'x-forwarded-for': '192.0.2.7' },
  })
  await new Promise((resolve) => socket.once('open', resolve))
  socket.send(JSON.stringify({ type: 'connection_init', payload: { token: await gateway.clientToken('alice') } }))
  const sessions = () => [...gateway.gateway.sessions].map(({ address }) => address)
  // nginx appends the address that it sees: the client's own header is not trusted.
  await eventually('the session', () => sessions().length === 1)
  expect(sessions()).toEqual(['127.0.0.1'])
  socket.close()
})
