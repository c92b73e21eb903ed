/**
 * Compiles what a run needs: the contestants, with the compiler of the gateway (a loader that
 * compiles at run time adds to the functions that it loads), and the load generator and the bare
 * server, in C.
 */
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = new URL('..', import.meta.url).pathname
const cache = join(root, '.cache', 'bench')

export const loadProgram = join(cache, 'load')
export const bareProgram = join(cache, 'bare')

/** The compiled form of a program of `bench/`, by its path there without the extension. */
export function compiled(path: string): string {
  return join(cache, 'js', 'bench', `${path}.js`)
}

export async function build(): Promise<void> {
  mkdirSync(join(cache, 'js'), { recursive: true })
  await run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', join(root, 'bench')])
  // The gateway reads its version from it.
  copyFileSync(join(root, 'package.json'), join(cache, 'js', 'package.json'))
  await compileC(loadProgram, 'load')
  await compileC(bareProgram, join('contestants', 'bare'))
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
