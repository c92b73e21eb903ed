/**
 * A CPU profile of a Node.js server, through the inspector that any Node.js process opens on
 * SIGUSR1.
 */

import { writeFileSync } from 'node:fs'
import { openInspector } from './inspector.ts'

/** Of a process that opens its inspector on a signal. */
const inspectorPort = 9229

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
  const { call, close } = await openInspector(inspectorPort)
  await call('Profiler.enable')
  return {
    async begin() {
      await call('Profiler.start')
    },
    async end() {
      const { profile } = (await call('Profiler.stop')) as { profile: Profile }
      close()
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
