import { posix } from 'node:path'
import { parseSync } from '@swc/core'

/** Which room of `src/` is on which floor. Imports go down only; rooms of one floor never import each other. */
const floors = [
  ['errors', 'client'],
  ['core'],
  ['distributor', 'journal', 'registries', 'auth', 'observability'],
  ['graphql'],
  ['transports'],
  ['app', 'config', 'index'],
  ['main', 'cli'],
]
const floorOf = new Map(floors.flatMap((rooms, floor) => rooms.map((room) => [room, floor] as const)))

/** The files at the root of `src/` put a house together, so they may know the rooms of their own floor; those don't know them. */
const composed = new Map([
  ['app', ['config']],
  ['index', ['app', 'config']],
  ['main', ['cli']],
])

/** Rooms whose inner folders are siblings as well: what they share sits at the root of the room. */
const roomsOfSiblings = new Set(['transports'])
const roomsWithoutPackages = new Set(['errors', 'core'])
/** Their code runs in browsers as it is: it imports nothing from outside the room, not even of Node. */
const roomsForBrowsers = new Set(['client'])
const readersOfEnvironment = new Set(['config'])
const writersOfOutput = new Set(['observability', 'cli'])
// A folder may be called types: in graphql it holds the types of the schema, one a file.
const drawers = /^(utils?|helpers?|common|types|tools?)$/
const drawerFolders = /^(utils?|helpers?|common|tools?)$/

interface SourceFile {
  readonly path: string
  readonly room: string
  readonly imports: readonly string[]
  readonly readsEnvironment: boolean
  readonly writesOutput: boolean
}

/** What breaks the rules of the house, a sentence each. Files are given as path (from the root, `src/…`) → text. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  return [...files].flatMap(([path, text]) => {
    const file = read(path, text)
    return [
      ...misplaced(file),
      ...misnamed(file),
      ...forbidden(file),
      ...file.imports.flatMap((name) => [...wrongImport(file, name)]),
    ]
  })
}

function* misplaced({ path, room }: SourceFile): Generator<string> {
  if (!floorOf.has(room)) yield `${path}: the room ${room} is on no floor`
}

function* misnamed({ path }: SourceFile): Generator<string> {
  const folders = path.split('/')
  const name = (folders.pop() ?? '').replace(/\..*$/, '')
  if (drawers.test(name) || folders.some((folder) => drawerFolders.test(folder))) {
    yield `${path}: a drawer for everything; name it after what it holds`
  }
}

function* forbidden({ path, room, readsEnvironment, writesOutput }: SourceFile): Generator<string> {
  if (readsEnvironment && !readersOfEnvironment.has(room))
    yield `${path}: reads the environment, which only config does`
  if (writesOutput && !writersOfOutput.has(room)) yield `${path}: writes output, which only observability and cli do`
}

function* wrongImport({ path, room }: SourceFile, specifier: string): Generator<string> {
  if (!specifier.startsWith('.')) {
    if (roomsForBrowsers.has(room)) yield `${path}: ${room} imports ${specifier}, which a browser does not have`
    if (roomsWithoutPackages.has(room) && !specifier.startsWith('node:'))
      yield `${path}: ${room} imports the package ${specifier}`
    return
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (!target.startsWith('src/')) {
    yield `${path}: imports ${target}, which is not in src`
    return
  }
  const other = roomOf(target)
  if (other === room) {
    const [from, to] = [innerFolder(path), innerFolder(target)]
    if (roomsOfSiblings.has(room) && from && to && from !== to)
      yield `${path}: ${room}/${from} imports its sibling ${room}/${to}`
    return
  }
  const [here, there] = [floorOf.get(room), floorOf.get(other)]
  if (here === undefined || there === undefined) return
  if (composed.get(room)?.includes(other)) return
  if (there === here) yield `${path}: ${room} imports its sibling ${other}`
  else if (there > here) yield `${path}: ${room} (floor ${here}) imports ${other} (floor ${there})`
}

/** `src/core/delivery/hub.ts` → core, `src/app/open.ts` → app. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\..*$/, '')
}

function innerFolder(path: string): string | undefined {
  const parts = path.split('/')
  return parts.length > 3 ? parts[2] : undefined
}

// The parser's nodes, as far as they matter here: objects with a type, at any depth.
interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

function read(path: string, text: string): SourceFile {
  const imports: string[] = []
  let readsEnvironment = false
  let writesOutput = false
  for (const node of nodes(parseSync(text, { syntax: 'typescript', target: 'es2022' }))) {
    imports.push(...imported(node))
    const [object, property] = member(node)
    readsEnvironment ||= object === 'process' && property === 'env'
    writesOutput ||= object === 'console' || (object === 'process' && (property === 'stdout' || property === 'stderr'))
  }
  // Whoever imports it could take anything from it under any name.
  readsEnvironment ||= imports.includes('node:process')
  writesOutput ||= imports.includes('node:console') || imports.includes('node:process')
  return { path, room: roomOf(path), imports, readsEnvironment, writesOutput }
}

function* nodes(value: unknown): Generator<Node> {
  if (typeof value !== 'object' || value === null) return
  if ('type' in value && typeof value.type === 'string') yield value as Node
  for (const inner of Object.values(value)) yield* nodes(inner)
}

function* imported(node: Node): Generator<string> {
  const dynamic = node.type === 'CallExpression' && (node['callee'] as Node).type === 'Import'
  const source = {
    ImportDeclaration: node['source'],
    ExportNamedDeclaration: node['source'],
    ExportAllDeclaration: node['source'],
    TsImportType: node['argument'],
    CallExpression: dynamic ? (node['arguments'] as { expression: unknown }[])[0]?.expression : undefined,
  }[node.type] as Node | null | undefined
  if (source?.type === 'StringLiteral') yield String(source['value'])
}

/** `process.env`, `process['env']` and `const { env } = process` alike, as object and property. */
function member(node: Node): [string?, string?] {
  const name = (part: unknown): string | undefined => {
    const { type, value, expression } = (part ?? {}) as { type?: string; value?: string; expression?: Node }
    if (type === 'Computed') return name(expression)
    return type === 'Identifier' || type === 'StringLiteral' ? value : undefined
  }
  if (node.type === 'MemberExpression') return [name(node['object']), name(node['property'])]
  if (node.type !== 'VariableDeclarator') return []
  const pattern = node['id'] as Node
  const keys =
    pattern.type === 'ObjectPattern' ? (pattern['properties'] as { key?: unknown }[]).map(({ key }) => name(key)) : []
  return [name(node['init']), keys.find((key) => key === 'env' || key === 'stdout' || key === 'stderr')]
}
