import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { eventually } from '../../support/eventually.ts'
import { type GatewayProcess, startGateway } from '../../support/gateway/gateway-process.ts'

const mebibyte = 1024 * 1024
/** The page in all cached codings, and V8's uncollected garbage. */
const growthBytes = 96 * mebibyte

let gateway: GatewayProcess
beforeAll(async () => {
  gateway = await startGateway({ env: { WARREN_KEEP_ALIVE: '500ms' } })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

function residentBytes(): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${gateway.pid}/status`, 'utf8'))?.[1]) * 1024
}

/** The open sockets of the gateway, listening ones included. */
function openSockets(): number {
  const folder = `/proc/${gateway.pid}/fd`
  return readdirSync(folder).filter((name) => {
    try {
      return readlinkSync(`${folder}/${name}`).startsWith('socket:')
    } catch {
      return false
    }
  }).length
}

async function open(port = gateway.port): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

const requests = (count: number, path: string, accept = 'text/html') =>
  `GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: ${accept}\r\n\r\n`.repeat(count)

/** The page for a client with these codings, or with none. */
async function page(acceptEncoding?: string): Promise<{ coding: string | undefined; bytes: number }> {
  const headers = {
    accept: 'text/html',
    ...(acceptEncoding === undefined ? {} : { 'accept-encoding': acceptEncoding }),
  }
  const [response] = (await once(get(gateway.graphqlUrl, { headers }), 'response')) as [IncomingMessage]
  let bytes = 0
  for await (const piece of response) bytes += (piece as Buffer).length
  expect(bytes).toBe(Number(response.headers['content-length']))
  return { coding: response.headers['content-encoding'], bytes }
}

describe('GraphiQL', () => {
  test('is sent in the coding that the client prefers', async () => {
    const plain = await page()
    expect(plain).toEqual({ coding: undefined, bytes: expect.any(Number) })
    expect((await page('br;q=0, identity')).coding).toBeUndefined()
    expect(await page('gzip, deflate, br')).toEqual({ coding: 'br', bytes: expect.any(Number) })
    const { coding, bytes } = await page('gzip')
    expect(coding).toBe('gzip')
    expect(bytes).toBeLessThan(plain.bytes / 2)
  })

  test('requested two hundred times by readers that read nothing is in memory once, and they are ended', async () => {
    await page()
    const before = { bytes: residentBytes(), sockets: openSockets() }
    const sockets = await Promise.all(Array.from({ length: 20 }, () => open()))
    // A socket with this listener takes a first piece, and no more.
    const accepted = sockets.map((socket) => once(socket, 'readable'))
    for (const socket of sockets) socket.write(requests(10, '/graphql'))
    await Promise.all(accepted)
    await eventually('all of them to be ended', () => openSockets() <= before.sockets)
    expect(residentBytes() - before.bytes).toBeLessThan(growthBytes)
    for (const socket of sockets) socket.destroy()
  })

  test('reaches a reader that is slow but reads', async () => {
    const { bytes } = await page()
    const socket = await open()
    socket.write(requests(1, '/graphql').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n'))
    let taken = 0
    const ended = once(socket, 'end')
    // Five times the limit of a reader that reads nothing.
    const until = Date.now() + 2_500
    socket.on('data', (piece: Buffer) => {
      taken += piece.length
      if (Date.now() > until) return
      socket.pause()
      setTimeout(() => socket.resume(), 5 + piece.length / 1_000)
    })
    await ended
    expect(Date.now()).toBeGreaterThan(until - 2_000)
    expect(taken).toBeGreaterThan(bytes)
  })
})

describe('pipelined requests', () => {
  test('are answered in order', async () => {
    const socket = await open()
    let text = ''
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
    })
    socket.write(
      ['/openapi.json', '/nothing-1', '/', '/nothing-2', '/openapi.json']
        .map((path) => requests(1, path, '*/*'))
        .join(''),
    )
    await eventually('all answers', () => (text.match(/^HTTP\/1\.1 /gm) ?? []).length === 5)
    expect(text.match(/nothing-\d|"openapi":|"status":"ok"/g)).toEqual([
      '"openapi":',
      'nothing-1',
      '"status":"ok"',
      'nothing-2',
      '"openapi":',
    ])
    socket.destroy()
  })

  test.each([
    ['the port of clients', () => gateway.port, '/graphql'],
    ['the port of operators', () => gateway.opsPort, '/metrics'],
  ])('end the connection on %s if there are too many', async (_where, portOf, path) => {
    const before = residentBytes()
    const socket = await open(portOf())
    let bytes = 0
    socket.on('data', (piece: Buffer) => {
      bytes += piece.length
    })
    socket.write(requests(200, path))
    await once(socket, 'close')
    expect(bytes).toBeLessThan(33 * 16 * mebibyte)
    expect(residentBytes() - before).toBeLessThan(growthBytes)
  })
})
