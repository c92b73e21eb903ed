import { once } from 'node:events'
import { WebSocket } from 'ws'
import { eventually } from '../test/support/eventually.ts'

/** A connection to the inspector of a Node.js process (Chrome DevTools Protocol). */
export interface Inspector {
  readonly call: (method: string, params?: Readonly<Record<string, unknown>>) => Promise<unknown>
  readonly close: () => void
}

/** `port`: on this machine. Waits until the process listens there. */
export async function openInspector(port: number): Promise<Inspector> {
  const [target] = await eventually('the inspector', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/json/list`)
    return (await answer.json()) as { webSocketDebuggerUrl: string }[]
  })
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await once(socket, 'open')
  let last = 0
  const waiting = new Map<number, (result: unknown) => void>()
  socket.on('message', (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: unknown }
    if (id === undefined) return
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  return {
    call(method, params = {}) {
      last += 1
      const id = last
      const answered = new Promise((resolve) => {
        waiting.set(id, resolve)
      })
      socket.send(JSON.stringify({ id, method, params }))
      return answered
    },
    close: () => socket.terminate(),
  }
}
