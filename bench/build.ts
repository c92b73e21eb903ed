/**
 * Compiles what a run needs: the contestants, with the compiler of the gateway (a loader that
 * compiles at run time adds to the functions that it loads), and the load generator and the bare
 * server, in C.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { compileProject } from '../test/support/processes/unpack-commit.ts'

const run = promisify(execFile)
const root = new URL('..', import.meta.url).pathname
const cache = join(root, '.cache', 'bench')

export const loadProgram = join(cache, 'load')
export const bareProgram = join(cache, 'bare')

/**
 * The compiled form of a program of `bench/`, by its path there without the extension. `checkout`:
 * the folder of another commit.
 */
export function compiled(path: string, checkout = root): string {
  return join(checkout, '.cache', 'bench', 'js', 'bench', `${path}.js`)
}

export async function build(): Promise<void> {
  await buildContestants(root)
  await compileC(loadProgram, 'load')
  await compileC(bareProgram, join('contestants', 'bare'))
}

/** Builds another commit in its folder as `npm run build` does, without the console. */
export async function buildCommit(checkout: string): Promise<void> {
  await Promise.all([buildContestants(checkout), compileProject(checkout, 'tsconfig.build.json')])
  // Commits up to 0.1.0 start from their modules.
  if (!existsSync(join(checkout, 'bundle.ts'))) return
  await run(process.execPath, ['--import', 'tsx', 'bundle.ts'], { cwd: checkout })
}

/** Compiles the contestants of this tree, or of another commit in a folder of its own. */
async function buildContestants(checkout: string): Promise<void> {
  const js = join(checkout, '.cache', 'bench', 'js')
  mkdirSync(js, { recursive: true })
  await compileProject(checkout, 'bench')
  // The gateway reads its version from it.
  copyFileSync(join(checkout, 'package.json'), join(js, 'package.json'))
}

async function compileC(program: string, folder: string): Promise<void> {
  const path = join(root, 'bench', folder)
  const sources = readdirSync(path).filter((name) => name.endsWith('.c'))
  const compiler = process.env['CC'] ?? 'cc'
  try {
    await run(compiler, ['-O2', '-D_GNU_SOURCE', '-o', program, ...sources.map((name) => join(path, name))])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(
      `The load generator is written in C and there is no compiler "${compiler}" here: install one (on Debian: apt-get install gcc libc6-dev), or name it in CC.`,
      { cause: error },
    )
  }
}
