import { once } from 'node:events'
import { expect, jest, test } from '@jest/globals'
import { WebSocket } from 'ws'
import { pause } from '../ledger/pause.ts'
import { connectFramed } from '../support/frames/framed.ts'
import { openGateway } from '../support/gateway/gateway-in-process.ts'
import { freePort } from '../support/network/ports.ts'

/** Longer than the interval in which the gateway checks all connections. */
const lookedAtMs = 1_500

test.each([3_600_000, -3_600_000])('closes no connection when the clock is moved by %i ms', async (byMs) => {
  const tcpPort = await freePort()
  const gateway = await openGateway({ WARREN_TCP_PORT: String(tcpPort) })
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/socketcluster/?protocolVersion=2`)
  const opened = once(socket, 'open')
  const now = Date.now
  try {
    await using framed = await connectFramed(tcpPort)
    await framed.ask({ action: 'authenticate', token: await gateway.clientToken('alice') })
    await opened
    socket.send(JSON.stringify({ event: '#handshake', data: {}, cid: 1 }))
    await once(socket, 'message')
    jest.spyOn(Date, 'now').mockImplementation(() => now() + byMs)
    await pause(lookedAtMs)
    expect(socket.readyState).toBe(socket.OPEN)
    expect((await framed.ask({ action: 'search', value: 'none' }))['result']).toEqual([])
  } finally {
    jest.restoreAllMocks()
    socket.terminate()
    await gateway.close()
  }
})
