import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { globSync } from 'tinyglobby'

/**
 * `npm run build`, and before `npm start`: runs the steps whose outputs are not current.
 *
 * After a step succeeds, its stamp records the contents of its inputs, and the sizes and times of
 * its outputs. A step is current if both are still the same. So it runs again after any edit,
 * another checkout or installation, a deleted output, a build by hand and a failed build.
 *
 * Arguments: names of steps (default: all), and `--force`, which runs them in any case.
 */

interface Step {
  readonly command: string
  /** Patterns. `always` counts too. */
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /**
   * Whether the command prints `TSFILE: <path>` for each file that it writes. Other outputs are
   * then deleted, because their source has gone. The other steps do this themselves.
   */
  readonly listsOutputs?: true
}

/** In their order: `packages` reads what `modules` writes. */
const steps: Readonly<Record<string, Step>> = {
  // What other programs import. The gateway itself is `program`.
  modules: {
    command: 'tsc -p tsconfig.build.json --listEmittedFiles',
    inputs: ['src/**', '!src/console/**'],
    outputs: ['dist/**', '!dist/program/**', '!dist/console/**'],
    listsOutputs: true,
  },
  program: {
    command: 'node --import tsx bundle.ts',
    inputs: ['bundle.ts', 'src/**', '!src/console/**'],
    outputs: ['dist/program/**'],
  },
  console: {
    command: 'vite build src/console',
    // Imports of other folders fail: test/packages/build.slow.test.ts.
    inputs: ['src/console/**', 'src/client/**'],
    outputs: ['dist/console/**'],
  },
  packages: {
    command: 'node --import tsx packages/build.ts',
    inputs: ['packages/build.ts', 'dist/{client,react,testing}/**'],
    outputs: ['packages/*/dist/**'],
  },
}

/** npm writes the hidden lockfile last; it has the versions that are installed. */
const always = [
  'build.ts',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
]

const stamps = '.cache/build'
const isForced = process.argv.includes('--force')
const names = process.argv.slice(2).filter((argument) => argument !== '--force')
for (const name of names)
  if (!Object.hasOwn(steps, name))
    throw new Error(`expected ${Object.keys(steps).join(', ')} or --force; got "${name}"`)

for (const [name, step] of Object.entries(steps)) {
  if (names.length > 0 && !names.includes(name)) continue
  const stamp = join(stamps, name)
  const [inputs, outputs] = [inputsOf(step), outputsOf(step)]
  const [builtInputs, builtOutputs] = readIfAny(stamp).split(' ')
  if (!isForced && outputs === builtOutputs && inputs === builtInputs) continue
  // The standard output of `npm start` is its log.
  process.stderr.write(`building ${name}\n`)
  rmSync(stamp, { force: true })
  const { status, stdout } = spawnSync(step.command, {
    shell: true,
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
    stdio: ['inherit', step.listsOutputs ? 'pipe' : process.stderr, 'inherit'],
    env: { ...process.env, PATH: [resolve('node_modules/.bin'), process.env['PATH']].join(delimiter) },
  })
  const listed = step.listsOutputs ? filesListed(stdout) : undefined
  if (status !== 0) process.exit(status ?? 1)
  // Last, because a program may be loading them.
  if (listed) for (const path of filesOf(step.outputs)) if (!listed.has(resolve(path))) rmSync(path)
  mkdirSync(stamps, { recursive: true })
  // The inputs as they were before: an edit during the step makes it run again.
  writeFileSync(stamp, `${inputs} ${outputsOf(step)}`)
}

/** Passes on what else the command printed: the mistakes that it found. */
function filesListed(printed: string): Set<string> {
  const lines = printed.split(/(?<=\n)/)
  const isListed = (line: string) => line.startsWith('TSFILE: ')
  process.stderr.write(lines.filter((line) => !isListed(line)).join(''))
  return new Set(lines.filter(isListed).map((line) => resolve(line.slice('TSFILE: '.length).trim())))
}

function inputsOf(step: Step): string {
  const files = filesOf([...always, ...step.inputs])
  return digest(files.flatMap((path) => [path, digest([readFileSync(path)])]))
}

function outputsOf({ outputs }: Step): string {
  return digest(
    filesOf(outputs).flatMap((path) => {
      const { size, mtimeMs } = statSync(path)
      return [path, `${size} ${mtimeMs}`]
    }),
  )
}

function filesOf(patterns: readonly string[]): string[] {
  return globSync(patterns, { dot: true, expandDirectories: false }).sort()
}

/** Each part with an end, so that the same text in other parts is another digest. */
function digest(parts: readonly (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex')
}

function readIfAny(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
