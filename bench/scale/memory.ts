import { readdirSync, readFileSync } from 'node:fs'

/** Memory in KiB. */
export interface Memory {
  /** Resident in the processes; pages that they share count once. */
  readonly processKib: number
  /** Of the whole kernel: its slabs, and the buffers of sockets. */
  readonly kernelKib: number
}

/** A process and all that descend from it. */
export function processTree(root: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    const parent = parentOf(Number(entry))
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  const tree: number[] = []
  for (const next = [root]; next.length > 0; ) {
    const pid = next.pop()
    if (pid === undefined) break
    tree.push(pid)
    next.push(...(children.get(pid) ?? []))
  }
  return tree
}

export function memoryOf(pids: readonly number[]): Memory {
  const processKib = pids.reduce((sum, pid) => sum + proportionalKib(pid), 0)
  const slabKib = Number(/^Slab:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1])
  // sockstat counts pages of 4 KiB.
  const socketPages = Number(/^TCP:.* mem (\d+)/m.exec(readFileSync('/proc/net/sockstat', 'utf8'))?.[1])
  return { processKib, kernelKib: slabKib + socketPages * 4 }
}

/** Undefined for a process that ended meanwhile. */
function parentOf(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
  } catch {
    return undefined
  }
}

function proportionalKib(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
  } catch {
    return 0
  }
}
