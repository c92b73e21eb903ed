import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { newFolder, removeFolder } from '../support/processes/run-folder.ts'

const run = promisify(execFile)
const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>
const versions: Record<string, string> = { ...dependencies, ...devDependencies }

export interface FreshProject {
  readonly folder: string
  remove(): void
}

/**
 * A project outside this tree that has installed the tarballs of the packages. `used`: what it uses
 * besides, in the version of this tree if none is given.
 */
export async function freshProject(used: readonly string[]): Promise<FreshProject> {
  const folder = newFolder()
  for (const name of ['.', './packages/client', './packages/react', './packages/testing'])
    await run('npm', ['pack', name, '--ignore-scripts', '--pack-destination', folder])
  const tarballs = readdirSync(folder).map((name) => `./${name}`)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'fresh', private: true }))
  const others = used.map((name) => (name in versions ? `${name}@${versions[name]}` : name))
  // No package needs a script. What `npm ci` of this tree has fetched is in npm's cache.
  const flags = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['install', ...flags, ...tarballs, ...others], { cwd: folder })
  return { folder, remove: () => removeFolder(folder) }
}
