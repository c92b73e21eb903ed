import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { commitId, compileProject, unpackCommit } from '../support/processes/unpack-commit.ts'

/** The last commit before the release that this tree prepares. */
const lastRelease = '508a2c4'

/** A folder with the built last release, or the reason why it does not exist. */
export type LastRelease = { readonly checkout: string } | { readonly checkout?: undefined; readonly why: string }

/**
 * Builds the last release from the history of this clone, with the packages of this tree.
 * `TEST_LAST_RELEASE` names a checkout that is built already.
 */
export async function lastReleaseIn(folder: string): Promise<LastRelease> {
  const built = process.env['TEST_LAST_RELEASE']
  if (built) return { checkout: built }
  const commit = await commitId(lastRelease)
  if (!commit) return { why: `this clone has no commit ${lastRelease}: it is shallow, or no Git repository` }
  const checkout = join(folder, 'last-release')
  await unpackCommit(commit, checkout)
  await compileProject(checkout, 'tsconfig.build.json')
  if (!existsSync(join(checkout, 'dist/main.js'))) return { why: 'its build has no dist/main.js' }
  return { checkout }
}
