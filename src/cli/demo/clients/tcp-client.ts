import { connect } from 'node:net'
import type { Connect } from './connect.ts'

/** How often the client announces that it is there, in milliseconds. */
const pongMs = 20_000

/** A client of framed TCP, as a device would be. It reads nothing of the frames it gets. */
export function tcpClient(clientId: string): Connect {
  return async ({ url, tcpPort, token }, signal) => {
    if (tcpPort === 'off') return
    const requests = [
      { action: 'authenticate', token: await token(clientId) },
      { action: 'subscribe', channel: clientId },
    ]
    await new Promise<void>((resolve) => {
      const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
      const socket = connect(tcpPort, host, () => {
        for (const request of requests) socket.write(frameOf(request))
      })
      const timer = setInterval(() => socket.write(frameOf({ action: 'pong' })), pongMs)
      const end = (): void => void socket.destroy()
      signal.addEventListener('abort', end)
      socket.resume()
      socket.on('error', () => undefined)
      socket.on('close', () => {
        clearInterval(timer)
        signal.removeEventListener('abort', end)
        resolve()
      })
      if (signal.aborted) end()
    })
  }
}

function frameOf(request: object): Buffer {
  const content = Buffer.from(JSON.stringify(request))
  const header = Buffer.from(
    JSON.stringify({
      byteorder: 'little',
      'content-type': 'text/json',
      'content-encoding': 'utf-8',
      'content-length': content.length,
    }),
  )
  const length = Buffer.alloc(2)
  length.writeUInt16BE(header.length)
  return Buffer.concat([length, header, content])
}
