/** How much of a profile of the processor is in code that runs for the console only. */
import { existsSync, readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { fileURLToPath } from 'node:url'

/** What Chrome's developer tools read as a `.cpuprofile`. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly children?: readonly number[]
  readonly callFrame: {
    readonly functionName: string
    readonly url: string
    readonly lineNumber: number
    readonly columnNumber: number
  }
}

/** Shares of the time of the profile. */
export interface ConsoleShare {
  /** Of samples with a function of the console on their stack. */
  readonly console: number
  /** Of samples in which the process did anything. */
  readonly busy: number
  readonly samples: number
}

/**
 * Sources that nothing else than a console runs, if clients only receive what they subscribed to
 * before: the operator API, and what executes GraphQL requests. Events of channels take a compiled
 * way past the packages.
 */
export const consoleSources = [
  /^src\/core\/inspection\//,
  /^src\/graphql\/(operator\/|subscriptions\/tail\.ts)/,
  /^src\/transports\/(console\/|graphql\/feed-results\.ts)/,
  /^src\/app\/graphql\/console/,
  /^src\/observability\/ops-listener\.ts/,
  /^node_modules\/(graphql|graphql-yoga|@envelop|@whatwg-node|@graphql-tools)\//,
]
/** Writes results of the subscriptions that graphql-js executes: the feeds. */
export const consoleFunctions: ReadonlySet<string> = new Set(['#runInEnvelope'])

export function consoleShareOf({ nodes, samples, timeDeltas }: CpuProfile): ConsoleShare {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const sourceOf = sourceReader()
  const ofConsole = new Set<number>()
  const walk = ({ id, callFrame, children = [] }: ProfileNode, below: boolean): void => {
    const isConsole =
      below ||
      consoleFunctions.has(callFrame.functionName) ||
      consoleSources.some((source) => source.test(sourceOf(callFrame)))
    if (isConsole) ofConsole.add(id)
    for (const child of children) {
      const node = byId.get(child)
      if (node) walk(node, isConsole)
    }
  }
  const [root] = nodes
  if (root) walk(root, false)
  const sum = (counts: (id: number) => boolean): number =>
    samples.reduce((time, id, at) => time + (counts(id) ? (timeDeltas[at] ?? 0) : 0), 0)
  const all = sum(() => true)
  const isIdle = (id: number): boolean => byId.get(id)?.callFrame.functionName === '(idle)'
  return {
    console: sum((id) => ofConsole.has(id)) / all,
    busy: 1 - sum(isIdle) / all,
    samples: samples.length,
  }
}

/** The source of a function, from the root of the checkout on; '' for code of Node.js itself. */
function sourceReader(): (frame: ProfileNode['callFrame']) => string {
  const maps = new Map<string, SourceMap | undefined>()
  return ({ url, lineNumber, columnNumber }) => {
    if (!url.startsWith('file:')) return ''
    const file = `${fileURLToPath(url)}.map`
    if (!maps.has(file))
      maps.set(file, existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined)
    const entry = maps.get(file)?.findEntry(lineNumber, columnNumber)
    return entry && 'originalSource' in entry ? entry.originalSource.replace(/^(\.\.\/)+/, '') : ''
  }
}
