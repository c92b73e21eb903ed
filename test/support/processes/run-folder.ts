import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const prefix = 'warren-test-'

/**
 * Creates a folder for temporary files. Its name has the id of this process, so that a later run
 * knows whether it is in use.
 */
export function newFolder(within = tmpdir()): string {
  return mkdtempSync(join(within, `${prefix}${process.pid}-`))
}

/** The folder for the files of a node. A node in another root sees only files in there. */
export function folderIn(root: string | undefined): string {
  if (root === undefined) return newFolder()
  removeAbandonedFolders(join(root, 'tmp'))
  return newFolder(join(root, 'tmp'))
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Removes the folders of killed runs. */
export function removeAbandonedFolders(within = tmpdir()): void {
  for (const name of readdirSync(within)) {
    if (!name.startsWith(prefix)) continue
    const owner = Number(name.slice(prefix.length).split('-')[0])
    if (Number.isInteger(owner) && owner > 0 && !isRunning(owner)) removeFolder(join(within, name))
  }
}

/** True if a process with this id exists. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
