import { closeSync, openSync, readdirSync, readFileSync, readSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '../eventually.ts'

/** The NODE_OPTIONS of a process that `heapOf` is to inspect. The snapshots go to the folder. */
export function snapshotsTo(folder: string): string {
  return `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}`
}

/** The reachable objects of a process, after a garbage collection. */
export interface Heap {
  readonly bytes: number
  /** The number of objects of each class, and of closures of each function. */
  readonly counts: ReadonlyMap<string, number>
}

interface Snapshot {
  readonly snapshot: {
    readonly meta: { readonly node_fields: string[]; readonly node_types: [string[], ...unknown[]] }
  }
  readonly nodes: readonly number[]
  readonly strings: readonly string[]
}

/** Takes a snapshot and removes its file. The process is blocked meanwhile. */
export async function heapOf(pid: number, folder: string): Promise<Heap> {
  process.kill(pid, 'SIGUSR2')
  const snapshot = await eventually(
    `the heap snapshot of ${pid}`,
    () => {
      const [name] = readdirSync(folder).filter((file) => file.endsWith('.heapsnapshot'))
      if (name === undefined) return undefined
      const path = join(folder, name)
      if (!isWhole(path)) return undefined
      const read = JSON.parse(readFileSync(path, 'utf8')) as Snapshot
      rmSync(path)
      return read
    },
    { withinMs: 120_000, everyMs: 250 },
  )
  return summed(snapshot)
}

/** The strings are the last part of the file, so it is complete when they end. */
function isWhole(path: string): boolean {
  const { size } = statSync(path)
  if (size < 2) return false
  const file = openSync(path, 'r')
  const end = Buffer.alloc(2)
  readSync(file, end, 0, 2, size - 2)
  closeSync(file)
  return end.toString() === ']}'
}

/** The names with at least `least` more objects than before. */
export function grown(before: Heap, after: Heap, least: number): string[] {
  return [...after.counts]
    .map(([name, count]) => ({ name, more: count - (before.counts.get(name) ?? 0) }))
    .filter(({ more }) => more >= least)
    .toSorted((a, b) => b.more - a.more)
    .map(({ name, more }) => `${name} +${more}`)
}

/** https://github.com/v8/v8/blob/main/src/profiler/heap-snapshot-generator.cc */
function summed({ snapshot, nodes, strings }: Snapshot): Heap {
  const { node_fields: fields, node_types: types } = snapshot.meta
  const [kind, name, size] = ['type', 'name', 'self_size'].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ]
  const named = new Set(['object', 'closure', 'native'].map((type) => types[0].indexOf(type)))
  const counts = new Map<string, number>()
  let bytes = 0
  for (let at = 0; at < nodes.length; at += fields.length) {
    bytes += nodes[at + size] as number
    const type = nodes[at + kind] as number
    if (!named.has(type)) continue
    const key = `${types[0][type]} ${strings[nodes[at + name] as number]}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return { bytes, counts }
}
