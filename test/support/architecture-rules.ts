import { posix } from 'node:path'
import { parseSync } from '@swc/core'

/**
 * The layers of `src/`, lowest first. Imports go down only; folders of one layer don't import each
 * other.
 */
const layers = [
  ['errors', 'close-reasons', 'client'],
  ['core', 'react'],
  ['hot-window'],
  ['brokers', 'registries', 'auth', 'observability'],
  ['graphql', 'events'],
  ['transports', 'distributor', 'console'],
  ['config'],
  ['app'],
  ['index'],
  ['cli', 'testing'],
  ['main'],
]
const layerOf = new Map(layers.flatMap((folders, layer) => folders.map((folder) => [folder, layer] as const)))

/** The same inside a folder. Files at the root of such a folder may be imported by all of it. */
const innerLayers: Readonly<Record<string, readonly (readonly string[])[]>> = {
  transports: [
    ['flow'],
    ['http', 'websocket'],
    ['graphql', 'socketcluster', 'room', 'tcp', 'rest', 'client-page', 'console', 'landing'],
  ],
  brokers: [['rabbitmq', 'embedded']],
}

const foldersWithoutPackages = new Set(['errors', 'close-reasons', 'core'])
/** This code runs in browsers: it imports nothing from outside its folder, nor from Node.js. */
const foldersForBrowsers = new Set(['client'])
const readersOfEnvironment = new Set(['config'])
const writersOfOutput = new Set(['observability', 'cli'])
/** Packages that one folder only may import. */
const ownedPackages = new Map([
  ['amqplib', 'src/brokers/rabbitmq/connection/'],
  // As a client. The server is src/transports/websocket/.
  ['ws', 'src/cli/'],
  // Optional peers of a package.
  ['@apollo/client/link/subscriptions', 'src/client/adapters/'],
  ['@urql/core', 'src/client/adapters/'],
  ['relay-runtime', 'src/client/adapters/'],
])
const maxFilesOfFolder = 12
const maxCommentColumns = 100
const vagueNames = /^(utils?|helpers?|common|types|tools?)$/

/**
 * Names in comments that belong to others: RFC 7515, Node.js, RabbitMQ, SQLite, Kubernetes,
 * OpenTelemetry.
 */
const foreignNames = new Set(
  [
    'crit b64 unescape encodeFieldValue localStorage dist SyntaxError detail',
    'enableServiceLinks WARREN_PORT_4000_TCP_ADDR SQLITE_BUSY_RECOVERY SQLITE_BUSY_SNAPSHOT',
    'OTEL_SERVICE_NAME OTEL_EXPORTER_OTLP_HEADERS OTEL_TRACES_SAMPLER net somaxconn',
  ].flatMap((names) => names.split(' ')),
)

interface SourceFile {
  readonly path: string
  /** The first folder below `src/`, or the name of a file there. */
  readonly folder: string
  readonly imports: readonly string[]
  readonly exportedTypes: readonly string[]
  readonly readsEnvironment: boolean
  readonly writesOutput: boolean
}

/** Returns one sentence for each breach of the rules. Files are given as path (`src/…`) → text. */
export function violations(files: ReadonlyMap<string, string>): string[] {
  const sources = [...files].map(([path, text]) => read(path, text))
  const names = new Set([...files.values()].flatMap((text) => withoutComments(text).match(/[A-Za-z_$][\w$]*/g) ?? []))
  return [
    ...sources.flatMap((file) => [
      ...misplaced(file),
      ...misnamed(file),
      ...forbidden(file),
      ...file.imports.flatMap((specifier) => [...wrongImport(file, specifier)]),
    ]),
    ...[...files].flatMap(([path, text]) => [...wrongComments(path, text, names)]),
    ...circles(sources),
    ...crowdedFolders(sources),
    ...repeatedTypes(sources),
  ]
}

function* misplaced({ path, folder }: SourceFile): Generator<string> {
  if (!layerOf.has(folder)) yield `${path}: the folder ${folder} is in no layer`
}

function* misnamed({ path }: SourceFile): Generator<string> {
  const names = path.split('/').map((name) => name.replace(/\..*$/, ''))
  if (names.some((name) => vagueNames.test(name))) {
    yield `${path}: a vague name; use the name of the concept that it holds`
  }
}

function* forbidden({ path, folder, readsEnvironment, writesOutput }: SourceFile): Generator<string> {
  if (readsEnvironment && !readersOfEnvironment.has(folder))
    yield `${path}: reads the environment, which only config does`
  if (writesOutput && !writersOfOutput.has(folder)) yield `${path}: writes output, which only observability and cli do`
}

function* wrongImport({ path, folder }: SourceFile, specifier: string): Generator<string> {
  if (!specifier.startsWith('.')) {
    const owner = ownedPackages.get(specifier)
    if (owner !== undefined && !path.startsWith(owner)) yield `${path}: imports ${specifier}, which only ${owner} does`
    if (foldersForBrowsers.has(folder) && owner === undefined)
      yield `${path}: ${folder} imports ${specifier}, which a browser does not have`
    if (foldersWithoutPackages.has(folder) && !specifier.startsWith('node:'))
      yield `${path}: ${folder} imports the package ${specifier}`
    return
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (!target.startsWith('src/')) {
    yield `${path}: imports ${target}, which is not in src`
    return
  }
  const other = folderOf(target)
  const inside = other === folder
  const [from, to] = inside ? [innerFolder(path), innerFolder(target)] : [folder, other]
  if (from === undefined || to === undefined || from === to) return
  const inner = innerLayers[folder]
  if (inside && !inner) return
  const layer = (name: string) => (inside ? inner?.findIndex((names) => names.includes(name)) : layerOf.get(name))
  const [here = -1, there = -1] = [layer(from), layer(to)]
  if (here === -1 || there === -1) return
  const [a, b] = inside ? [`${folder}/${from}`, `${folder}/${to}`] : [from, to]
  if (there === here) yield `${path}: ${a} imports its sibling ${b}`
  else if (there > here) yield `${path}: ${a} (layer ${here}) imports ${b} (layer ${there})`
}

function* wrongComments(path: string, text: string, names: ReadonlySet<string>): Generator<string> {
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(\*|\/\/|\/\*)/.test(line) && line.length > maxCommentColumns)
      yield `${path}:${index + 1}: a comment of ${line.length} columns; at most ${maxCommentColumns}`
  }
  for (const comment of commentsOf(text)) {
    for (const [, quoted = ''] of comment.matchAll(/`([^`\n]+)`/g)) {
      if (!/^#?[A-Za-z_$][\w$]*(\.#?[A-Za-z_$][\w$]*)*(\(\))?$/.test(quoted)) continue
      const unknown = (quoted.match(/[A-Za-z_$][\w$]*/g) ?? []).find(
        (name) => !names.has(name) && !foreignNames.has(name),
      )
      if (unknown !== undefined) yield `${path}: a comment names \`${quoted}\`, and there is no ${unknown}`
    }
  }
}

function* circles(files: readonly SourceFile[]): Generator<string> {
  const imports = new Map(
    files.map(({ path, imports: all }) => [
      path,
      all.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(path), name)),
    ]),
  )
  const finished = new Set<string>()
  const circle = (path: string, trail: readonly string[]): readonly string[] | undefined => {
    const begin = trail.indexOf(path)
    if (begin >= 0) return trail.slice(begin)
    if (finished.has(path)) return undefined
    for (const target of imports.get(path) ?? []) {
      const found = circle(target, [...trail, path])
      if (found) return found
    }
    finished.add(path)
    return undefined
  }
  for (const path of imports.keys()) {
    const found = circle(path, [])
    if (!found) continue
    yield `a circle of imports: ${[...found, found[0]].join(' → ')}`
    return
  }
}

function* crowdedFolders(files: readonly SourceFile[]): Generator<string> {
  const counts = new Map<string, number>()
  for (const { path } of files) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1)
  for (const [folder, count] of counts)
    if (count > maxFilesOfFolder) yield `${folder}: ${count} files; at most ${maxFilesOfFolder}`
}

function* repeatedTypes(files: readonly SourceFile[]): Generator<string> {
  const owners = new Map<string, string>()
  for (const { path, exportedTypes } of files) {
    for (const name of exportedTypes) {
      const owner = owners.get(name)
      if (owner !== undefined) yield `${path}: exports ${name}, as ${owner} does`
      owners.set(name, path)
    }
  }
}

/** `src/core/delivery/hub.ts` → core, `src/main.ts` → main. */
function folderOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\..*$/, '')
}

function innerFolder(path: string): string | undefined {
  const parts = path.split('/')
  return parts.length > 3 ? parts[2] : undefined
}

const comment = /\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/[^\n]*/g

function commentsOf(text: string): readonly string[] {
  return text.match(comment) ?? []
}

function withoutComments(text: string): string {
  return text.replace(comment, ' ')
}

// The parser's nodes, as far as they matter here: objects with a type, at any depth.
interface Node {
  readonly type: string
  readonly [key: string]: unknown
}

function read(path: string, text: string): SourceFile {
  const imports: string[] = []
  const exportedTypes: string[] = []
  let readsEnvironment = false
  let writesOutput = false
  for (const node of nodes(parseSync(text, { syntax: 'typescript', tsx: path.endsWith('x'), target: 'es2022' }))) {
    imports.push(...imported(node))
    exportedTypes.push(...exportedType(node))
    const [object, property] = member(node)
    readsEnvironment ||= object === 'process' && property === 'env'
    writesOutput ||= object === 'console' || (object === 'process' && (property === 'stdout' || property === 'stderr'))
  }
  // An import of the module can take any member under any name.
  readsEnvironment ||= imports.includes('node:process')
  writesOutput ||= imports.includes('node:console') || imports.includes('node:process')
  return { path, folder: folderOf(path), imports, exportedTypes, readsEnvironment, writesOutput }
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

function* exportedType(node: Node): Generator<string> {
  if (node.type !== 'ExportDeclaration') return
  const { type, identifier, id } = node['declaration'] as Node
  if (type === 'ClassDeclaration') yield String((identifier as Node)['value'])
  if (type === 'TsInterfaceDeclaration' || type === 'TsTypeAliasDeclaration') yield String((id as Node)['value'])
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
