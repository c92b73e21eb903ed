import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformSync } from '@swc/core'

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../../..')

/** Everything that a simulated gateway is made of. */
const sources = [
  'src/core',
  'src/hot-window',
  'src/brokers',
  'src/events',
  'src/errors.ts',
  'src/close-reasons.ts',
  'test/simulation',
  // The positions and states in the database of the runs.
  'test/core/memory-positions.ts',
  'test/core/memory-states.ts',
]

/** What the simulation takes the place of. Everything else is the product's code as it is. */
const replaced: Readonly<Record<string, string>> = {
  'src/brokers/rabbitmq/connection/connect.ts': 'test/simulation/broker/connect.ts',
  'src/brokers/rabbitmq/message/delivery-reader.ts': 'test/simulation/broker/delivery-reader.ts',
}

/** A change of the product: exactly this text of the file becomes another one. */
export interface Patch {
  readonly file: string
  readonly from: string
  readonly to: string
}

/**
 * Compiles the product and the simulation to JavaScript in a new folder, and returns it. Throws if
 * the text of a patch is not in its file exactly once.
 */
export function build(patches: readonly Patch[] = []): string {
  const out = mkdtempSync(join(tmpdir(), 'warren-simulation-'))
  symlinkSync(join(root, 'node_modules'), join(out, 'node_modules'))
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }')
  for (const source of sources) for (const file of filesOf(source)) compile(out, file, patches)
  // Warren's own types, for the typed field of the runs.
  copyFileSync(join(root, 'schema/schema.graphql'), join(out, 'schema.graphql'))
  return out
}

/** The path of a compiled file. */
export function compiled(out: string, file: string): string {
  return join(out, file.replace(/\.ts$/, '.js'))
}

/** The text of a file with its patches. */
export function patched(file: string, patches: readonly Patch[]): string {
  let text = readFileSync(join(root, file), 'utf8')
  for (const patch of patches) {
    if (patch.file !== file) continue
    const parts = text.split(patch.from)
    if (parts.length !== 2)
      throw new Error(`${file}: expected the text once, found it ${parts.length - 1} times: ${patch.from}`)
    text = parts.join(patch.to)
  }
  return text
}

function compile(out: string, file: string, patches: readonly Patch[]): void {
  const target = compiled(out, file)
  mkdirSync(dirname(target), { recursive: true })
  const replacement = replaced[file]
  if (replacement !== undefined) {
    writeFileSync(target, `export * from ${JSON.stringify(compiled(out, replacement))}\n`)
    return
  }
  writeFileSync(target, javaScriptOf(file, patched(file, patches)))
}

/** By the text of the file: of many builds, each differs in one file. */
const known = new Map<string, string>()

function javaScriptOf(file: string, text: string): string {
  let result = known.get(text)
  if (result === undefined) {
    const { code } = transformSync(text, {
      filename: file,
      swcrc: false,
      configFile: false,
      module: { type: 'es6' },
      jsc: { target: 'es2022', parser: { syntax: 'typescript' } },
    })
    result = code.replaceAll(/((?:from|import)\s*\(?['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2')
    known.set(text, result)
  }
  return result
}

function filesOf(path: string): string[] {
  if (path.endsWith('.ts')) return [path]
  return readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => `${path}/${name.replaceAll('\\', '/')}`)
}
