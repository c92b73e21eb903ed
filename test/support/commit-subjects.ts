import { execFileSync } from 'node:child_process'

/** The last commit before subjects had a limit. */
const base = 'fb718d5'
const maxSubject = 72

/**
 * Returns the subjects since `base` that are too long, merges left out. Returns the reason instead
 * if the history is not available: in a tarball, a shallow clone or a container without git.
 */
export function longSubjects(): readonly string[] | string {
  const git = (...args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' })
  try {
    git('merge-base', '--is-ancestor', base, 'HEAD')
  } catch (error) {
    const [reason = 'git failed'] = String((error as { stderr?: unknown }).stderr || error).split('\n')
    return `no history since ${base}: ${reason}`
  }
  return git('log', '--no-merges', '--format=%s', `${base}..HEAD`)
    .split('\n')
    .filter((subject) => subject.length > maxSubject)
}
