import { once } from 'node:events'
import { IncomingMessage, request } from 'node:http'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { consoleProxy } from '../../../src/cli/workers/console-proxy.ts'
import { type OpsListener, openOpsListener } from '../../../src/observability/ops-listener.ts'
import {
  openWorkerConsole,
  peerHeader,
  secretHeader,
  type WorkerConsole,
  type WorkerConsoleAddress,
} from '../../../src/transports/console/worker-console.ts'
import { freePort } from '../../support/network/ports.ts'

const verdict = { ok: true, reasons: [] }
let primary: OpsListener
let consoles: WorkerConsoleAddress[]
let received: { path: string; body: string; peer: string | undefined; headers: IncomingMessage['headers'] }[]
const workers: WorkerConsole[] = []

beforeEach(async () => {
  consoles = []
  received = []
  primary = await openOpsListener({
    host: '127.0.0.1',
    port: 0,
    allowsHost: () => true,
    health: { live: () => verdict, ready: () => verdict },
    metrics: { contentType: 'text/plain', print: async () => '' },
  })
  primary.add(consoleProxy(() => consoles))
})
afterEach(async () => {
  await primary.close()
  for (const worker of workers.splice(0)) await worker.close()
})

/** A worker that repeats bodies, and never answers at `/console/never`. */
async function startWorker(): Promise<WorkerConsole> {
  const worker = await openWorkerConsole(
    {
      serves: (path) => path.startsWith('/console'),
      answer: (asked, response) => {
        let body = ''
        asked.setEncoding('utf8').on('data', (piece: string) => {
          body += piece
        })
        asked.once('end', () => {
          received.push({ path: asked.url ?? '', body, peer: asked.socket.remoteAddress, headers: asked.headers })
          if (asked.url !== '/console/never') response.writeHead(201, { 'x-of': 'worker' }).end(body)
        })
      },
      upgrade: (asked, socket, head) => {
        received.push({ path: asked.url ?? '', body: '', peer: asked.socket.remoteAddress, headers: asked.headers })
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n')
        socket.write(head)
        socket.pipe(socket)
      },
    },
    { requestClass: IncomingMessage },
  )
  workers.push(worker)
  return worker
}

const ask = (path: string, options: RequestInit = {}) => fetch(`${primary.url}${path}`, options)

test('passes a request with its body to a worker, and the answer back', async () => {
  consoles = [(await startWorker()).address]
  const body = 'x'.repeat(1_000_000)
  const response = await ask('/console/a?b=1', { method: 'POST', body, headers: { 'x-own': 'yes' } })
  expect([response.status, response.headers.get('x-of'), await response.text()]).toEqual([201, 'worker', body])
  expect(received).toMatchObject([{ path: '/console/a?b=1', body, peer: '127.0.0.1', headers: { 'x-own': 'yes' } }])
  expect(Object.keys(received[0]!.headers)).not.toContain(secretHeader)
})

test('passes a body of unknown length', async () => {
  consoles = [(await startWorker()).address]
  const asked = request(`${primary.url}/console`, { method: 'POST' })
  asked.write('one ')
  asked.end('two')
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  response.resume()
  expect([response.statusCode, received[0]?.body]).toEqual([201, 'one two'])
})

test('passes an upgraded connection in both directions, until one side ends it', async () => {
  consoles = [(await startWorker()).address]
  const asked = request(`${primary.url}/console/graphql`, { headers: { connection: 'Upgrade', upgrade: 'test' } }).end()
  const [, socket] = (await once(asked, 'upgrade')) as [IncomingMessage, NodeJS.WritableStream & NodeJS.ReadableStream]
  socket.write('hello')
  expect(String((await once(socket, 'data'))[0])).toBe('hello')
  expect(received).toMatchObject([{ peer: '127.0.0.1', headers: { upgrade: 'test' } }])
  await workers[0]!.close()
  workers.length = 0
  await once(socket, 'close')
})

test('asks the next worker if one does not accept connections, and answers 503 without any', async () => {
  const away = { port: await freePort(), secret: 'unknown' }
  consoles = [away, (await startWorker()).address]
  expect((await ask('/console', { method: 'POST', body: 'kept' })).status).toBe(201)
  expect(received[0]?.body).toBe('kept')
  consoles = [away]
  const refused = await ask('/console')
  expect([refused.status, refused.headers.get('retry-after'), await refused.text()]).toEqual([
    503,
    '1',
    expect.stringContaining('no worker serves the console at the moment'),
  ])
  expect((await ask('/livez')).status).toBe(200)
})

test('answers 502 if the worker ends after it received the request', async () => {
  const worker = await startWorker()
  consoles = [worker.address]
  const answer = ask('/console/never')
  while (received.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await worker.close()
  workers.length = 0
  expect((await answer).status).toBe(502)
})

test('a worker answers nothing to other programs, whatever address they name', async () => {
  const { address } = await startWorker()
  for (const secret of ['', 'guessed', address.secret.slice(1)]) {
    const response = await fetch(`http://127.0.0.1:${address.port}/console`, {
      headers: { [secretHeader]: secret, [peerHeader]: '10.9.9.9' },
    })
    expect(response.status).toBe(404)
  }
  expect(received).toEqual([])
})
