import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'warren-test-'

/**
 * A new folder for temporary files, named after this process so that a later run can tell whether
 * it is still in use.
 */
export function newFolder(within = tmpdir()): string {
  return mkdtempSync(join(within, `${prefix}${process.pid}-`))
}

/** A node that runs in another root keeps its files there, for it sees no others. */
export function folderIn(root: string | undefined): string {
  if (root === undefined) return newFolder()
  removeAbandonedFolders(join(root, 'tmp'))
  return newFolder(join(root, 'tmp'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Removes what runs that were killed have left. */
export function removeAbandonedFolders(within = tmpdir()): void {
  for (const name of readdirSync(within)) {
    if (!name.startsWith(prefix)) continue
    const owner = Number(name.slice(prefix.length).split('-')[0])
    if (Number.isInteger(owner) && owner > 0 && !isRunning(owner)) removeFolder(join(within, name))
  }
}

/** Whether there is a process with this id. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
