import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { progressBar } from '../../../src/cli/connections/report.ts'
import { runCommand } from '../../support/gateway/command-in-process.ts'
import { type GatewayProcess, runWarren, startGateway, testToken } from '../../support/gateway/gateway-process.ts'
import { freePort } from '../../support/network/ports.ts'
import { repetitions } from '../../support/repetitions.ts'

const many = repetitions(2_000, 10_000)

let gateway: GatewayProcess
let echoPort: number

beforeAll(async () => {
  echoPort = await freePort()
  gateway = await startGateway({
    // A connection without a token is closed after the time-out, which a busy machine reaches.
    env: {
      WARREN_TCP_ECHO_PORT: String(echoPort),
      WARREN_MAX_CONNECTIONS_PER_ADDRESS: '20000',
      WARREN_AUTH_TIMEOUT: '1m',
    },
  })
})
afterAll(async () => {
  await gateway?.[Symbol.asyncDispose]()
})

interface Measured {
  readonly connected: number
  readonly messages: number
  readonly failures: Record<string, number>
  readonly roundTrip: { readonly p50: number; readonly max: number }
}

async function connections(
  ...args: (string | number)[]
): Promise<{ code: number; stderr: string; measured: Measured }> {
  const { code, stdout, stderr } = await runCommand(['connections', '127.0.0.1', ...args.map(String), '--json'])
  return { code, stderr, measured: stdout === '' ? ({} as Measured) : (JSON.parse(stdout) as Measured) }
}

describe('warren connections', () => {
  test(`echoes ${many} at once byte for byte, next to one that does not read and one that sends garbage`, async () => {
    const stalled = connect(echoPort, '127.0.0.1').pause()
    const garbage = connect(echoPort, '127.0.0.1').resume()
    for (const socket of [stalled, garbage]) socket.on('error', () => {})
    await Promise.all([stalled, garbage].map((socket) => once(socket, 'connect')))
    const noise = Buffer.from(Array.from({ length: 65_536 }, (_, index) => (index * 7_919) & 0xff))
    const drip = setInterval(() => {
      if (stalled.writableLength < 64 * 1024 * 1024) stalled.write(noise)
      garbage.write(noise)
    }, 5)
    const { code, measured } = await connections(echoPort, many, '--messages', 2, '--bytes', 512)
    clearInterval(drip)
    expect(measured).toMatchObject({ connected: many, messages: 2 * many, failures: {} })
    expect(measured.roundTrip.p50).toBeLessThanOrEqual(measured.roundTrip.max)
    expect(code).toBe(0)
    for (const socket of [stalled, garbage]) socket.destroy()
  })

  test('uses the framed protocol, with and without a token', async () => {
    const { measured } = await connections(gateway.tcpPort, 300, '--protocol', 'framed')
    expect(measured.failures).toEqual({})
    expect(measured).toMatchObject({ connected: 300, messages: 1_500 })
    const token = await testToken({ sub: 'alice' })
    const known = await connections(gateway.tcpPort, 20, '--protocol', 'framed', '--token', token)
    expect(known.measured).toMatchObject({ connected: 20, messages: 100, failures: {} })
  })

  test('uses WebSocket', async () => {
    const token = await testToken({ scope: 'room' })
    const { measured } = await connections(gateway.port, 300, '--protocol', 'websocket', '--token', token)
    expect(measured).toMatchObject({ connected: 300, messages: 1_500, bytes: 125, failures: {} })
  })

  test('reports what failed, and on how many, and exits with 1', async () => {
    const liar = createServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.on('data', (piece) => socket.write(Buffer.from(piece).fill(0x21, 5, 6)))
    })
    await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve))
    const address = liar.address()
    const { port } = typeof address === 'object' && address ? address : { port: 0 }
    const { code, stderr, measured } = await connections(port, 3)
    expect({ code, failures: measured.failures }).toEqual({ code: 1, failures: { 'other bytes came back': 3 } })
    expect(stderr).toBe('3 of 3 connections failed\n')
    liar.close()
    const unreachable = await connections(await freePort(), 2)
    expect(unreachable.measured.failures).toEqual({ ECONNREFUSED: 2 })
  })

  test('prints text for people, JSON on request, and a progress bar on a terminal only', async () => {
    const { stdout, stderr } = await runWarren(['connections', '127.0.0.1', String(echoPort), '10'])
    expect(stdout).toMatch(
      /^connections {2}10 of 10 in [\d.]+ s, \d+ a second; p50 [\d.]+ ms, p90 .*\nmessages {5}50 of 1024 bytes/,
    )
    expect(stderr).toBe('')
    const drawn: string[] = []
    const bar = progressBar({ isTTY: true, write: (text: string) => drawn.push(text) > 0 })
    bar.show('sending', 5, 10)
    bar.end()
    expect(drawn[0]).toBe(`\rsending    [${'#'.repeat(20)}${'.'.repeat(20)}] 5 of 10 `)
  })

  test.each([
    [['host', '0', '1'], /^port: expected a whole number from 1 to 65535, got "0"\n$/],
    [['host', '1', 'many'], /^count: expected a whole number/],
    [['host', '1', '1', '--protocol', 'smoke'], /Allowed choices are echo, framed, websocket/],
  ])('rejects %j with one sentence', async (args, sentence) => {
    const { code, stderr } = await runCommand(['connections', ...args])
    expect(code).toBe(2)
    expect(stderr).toMatch(sentence)
  })
})
