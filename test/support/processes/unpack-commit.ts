import { execFile } from 'node:child_process'
import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The full id of a commit of this clone; undefined if the clone does not have it. */
export async function commitId(name: string): Promise<string | undefined> {
  const found = await run('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], { cwd: root }).catch(
    () => undefined,
  )
  return found?.stdout.trim()
}

/** Writes the files of a commit into a new folder, with the packages of this tree. */
export async function unpackCommit(commit: string, folder: string): Promise<void> {
  const archive = `${folder}.tar`
  await mkdir(folder, { recursive: true })
  await run('git', ['archive', '--output', archive, commit], { cwd: root })
  await run('tar', ['-xf', archive, '-C', folder])
  await rm(archive)
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
}

/** Compiles a project of an unpacked commit with the compiler of this tree. */
export async function compileProject(folder: string, project: string): Promise<void> {
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: folder })
}
