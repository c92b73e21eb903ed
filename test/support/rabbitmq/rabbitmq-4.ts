import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { debianPackages, installMissing, locate } from '../processes/debian-package.ts'
import { serverInRoot } from './rabbitmq-node.ts'

const run = promisify(execFile)

/** The root folder of a Debian 13 with RabbitMQ 4, or the reason why this machine has none. */
export type RabbitMq4 = { readonly root: string } | { readonly root?: undefined; readonly why: string }

// Debian 12 has RabbitMQ 3.10 and no package of version 4. The folder is outside the repository and
// outside the temporary files, so that all worktrees and runs share it.
const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'warren-test')
const suite = 'trixie'
const mirror = 'http://deb.debian.org/debian'

// Runs under a lock that its holder's end releases. The folder gets its final name when it is
// complete.
const makeRoot = `set -e
[ ! -x "$1${serverInRoot}" ] || exit 0
rm -rf "$1.new" "$1"
debootstrap --variant=minbase --include=rabbitmq-server ${suite} "$1.new" ${mirror} >"$1.log" 2>&1
mv "$1.new" "$1"`

let found: Promise<RabbitMq4> | undefined

/**
 * Creates the root folder if it is missing (one to two minutes). Never rejects: without it a test
 * is skipped and prints the reason.
 */
export function rabbitMq4(): Promise<RabbitMq4> {
  found ??= find().then((answer) => {
    if (answer.root === undefined) process.stderr.write(`Tests on RabbitMQ 4 are skipped: ${answer.why}\n`)
    return answer
  })
  return found
}

async function find(): Promise<RabbitMq4> {
  if (process.getuid?.() !== 0) return { why: 'a Debian root with RabbitMQ 4 is run by chroot, which needs root.' }
  const root = join(cache, `${suite}-rabbitmq`)
  if (existsSync(join(root, serverInRoot))) return { root }
  await installMissing([debianPackages.debootstrap])
  try {
    locate(debianPackages.debootstrap)
    await mkdir(cache, { recursive: true })
    process.stderr.write(`Tests need RabbitMQ 4: making a Debian ${suite} root in ${root}.\n`)
    await run('flock', [`${root}.lock`, 'sh', '-c', makeRoot, 'sh', root])
    return { root }
  } catch (error) {
    return { why: `a Debian ${suite} root could not be made in ${root} (see ${root}.log): ${String(error)}` }
  }
}
