import { WebSocket } from 'ws'
import type { Connect } from './connect.ts'

/** A client of SocketCluster, protocol 1, written by hand: the demo adds no package. */
export function socketClusterClient(clientId: string): Connect {
  return async ({ url, token }, signal) => {
    const authToken = await token(clientId)
    await new Promise<void>((resolve) => {
      const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socketcluster/`)
      const end = (): void => socket.terminate()
      signal.addEventListener('abort', end)
      socket.on('open', () => {
        socket.send(JSON.stringify({ event: '#handshake', data: { authToken }, cid: 1 }))
        socket.send(JSON.stringify({ event: '#subscribe', data: { channel: clientId }, cid: 2 }))
      })
      socket.on('message', (data: Buffer) => {
        if (data.toString() === '#1') socket.send('#2')
      })
      socket.on('error', () => undefined)
      socket.on('close', () => {
        signal.removeEventListener('abort', end)
        resolve()
      })
      if (signal.aborted) end()
    })
  }
}
