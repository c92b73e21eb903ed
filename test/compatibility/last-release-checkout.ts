import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The last commit before the release that this tree prepares. */
const lastRelease = '508a2c4'
const root = fileURLToPath(new URL('../..', import.meta.url))

/** A folder with the built last release, or the reason why it does not exist. */
export type LastRelease = { readonly checkout: string } | { readonly checkout?: undefined; readonly why: string }

/**
 * Builds the last release from the history of this clone, with the packages of this tree.
 * `TEST_LAST_RELEASE` names a checkout that is built already.
 */
export async function lastReleaseIn(folder: string): Promise<LastRelease> {
  const built = process.env['TEST_LAST_RELEASE']
  if (built) return { checkout: built }
  const commit = await run('git', ['cat-file', '-t', lastRelease], { cwd: root }).catch(() => undefined)
  if (!commit) return { why: `this clone has no commit ${lastRelease}: it is shallow, or no Git repository` }
  const checkout = join(folder, 'last-release')
  const archive = join(folder, 'last-release.tar')
  await mkdir(checkout)
  await run('git', ['archive', '--output', archive, lastRelease], { cwd: root })
  await run('tar', ['-xf', archive, '-C', checkout])
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
    cwd: checkout,
  })
  if (!existsSync(join(checkout, 'dist/main.js'))) return { why: 'its build has no dist/main.js' }
  return { checkout }
}
