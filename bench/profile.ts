/**
 * A CPU profile of a Node.js server, through the inspector that any Node.js process opens on
 * SIGUSR1.
 */

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { eventually } from '../test/support/eventually.ts'

const inspector = 'http://127.0.0.1:9229/json/list'

interface Profile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

export interface Profiler {
  begin(): Promise<void>
  /**
   * Writes the profile in the format of Chromium's tools, and resolves to the lines of the most
   * expensive functions.
   */
  end(): Promise<string>
}

export async function profiler(pid: number, file: string): Promise<Profiler> {
  process.kill(pid, 'SIGUSR1')
  const [target] = await eventually('the inspector', async () => {
    const answer = await fetch(inspector)
    return (await answer.json()) as { webSocketDebuggerUrl: string }[]
  })
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '')
  await once(socket, 'open')
  let last = 0
  const call = async (method: string): Promise<unknown> => {
    last += 1
    const id = last
    const answered = new Promise((resolve) => {
      socket.on('message', (data: Buffer) => {
        const answer = JSON.parse(data.toString()) as { id?: number; result?: unknown }
        if (answer.id === id) resolve(answer.result)
      })
    })
    socket.send(JSON.stringify({ id, method }))
    return answered
  }
  await call('Profiler.enable')
  return {
    async begin() {
      await call('Profiler.start')
    },
    async end() {
      const { profile } = (await call('Profiler.stop')) as { profile: Profile }
      socket.terminate()
      writeFileSync(file, JSON.stringify(profile))
      return dearest(profile)
    },
  }
}

const shownFunctions = 25

function dearest({ nodes, samples, timeDeltas }: Profile): string {
  const names = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`,
    ]),
  )
  const times = new Map<string, number>()
  let total = 0
  samples.forEach((id, index) => {
    const name = names.get(id) ?? ''
    if (name.startsWith('(idle)')) return
    const time = timeDeltas[index] ?? 0
    total += time
    times.set(name, (times.get(name) ?? 0) + time)
  })
  return [...times]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, shownFunctions)
    .map(([name, time]) => `${((100 * time) / total).toFixed(1).padStart(5)} %  ${name}`)
    .join('\n')
}
