import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { configManual } from '../../config/manual.ts'
import { readEventSchema } from '../../events/sdl/read-event-schema.ts'
import { printServedSchema } from '../../events/sdl/type-system/served-schema.ts'
import { printedSchema, schema } from '../../graphql/schema.ts'
import { commandsManual } from './commands-manual.ts'
import { errorsManual } from './errors-manual.ts'
import { metricsManual } from './metrics-manual.ts'

/** The generated files, by path in the repository. */
const printed = new Map<string, () => string>([
  ['schema/schema.graphql', printedSchema],
  ['docs/config.md', configManual],
  ['docs/errors.md', errorsManual],
  ['docs/metrics.md', metricsManual],
  ['docs/commands.md', commandsManual],
  ['examples/shop/page/schema.graphql', shopSchema],
])

/** The files under `root` that differ from what the code prints. */
export function staleFiles(root: string): string[] {
  return [...printed].filter(([path, print]) => contentOf(join(root, path)) !== print()).map(([path]) => path)
}

export function writeFiles(root: string): void {
  for (const [path, print] of printed) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), print())
  }
}

/** What `warren schema print --core off examples/shop` prints. */
function shopSchema(): string {
  const path = fileURLToPath(new URL('../../../examples/shop/events.graphql', import.meta.url))
  const reading = readEventSchema([{ path, text: readFileSync(path, 'utf8') }], {
    coreSchema: schema,
    core: false,
    exchangeMap: new Map(),
    namespace: 'warren',
  })
  if ('mistakes' in reading) throw new Error(`${path}: run npx warren schema check ${path}`)
  return printServedSchema(reading.schema)
}

function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * `npm run generate` and `npm run generate:check`: a script of the repository, not a command of the
 * program.
 */
function main(args: readonly string[], root: string): void {
  if (!args.includes('--check')) return writeFiles(root)
  const stale = staleFiles(root)
  for (const path of stale) process.stderr.write(`${path}: differs from the generated text; run npm run generate\n`)
  if (stale.length > 0) process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2), fileURLToPath(new URL('../../..', import.meta.url)))
}
