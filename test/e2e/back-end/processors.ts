import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Inbox } from '../../support/frames/inbox.ts'
import { debianPackages, locate } from '../../support/processes/debian-package.ts'
import { spawnGuarded } from '../../support/processes/guarded-process.ts'

export interface Processor extends AsyncDisposable {
  /** The texts that it has processed, in order. */
  readonly printed: readonly string[]
}

/**
 * Starts the example in Python, written as for the old manager. `shared` names a queue that several
 * processors share.
 */
export function startPythonProcessor(url: string, shared = ''): Promise<Processor> {
  locate(debianPackages.pika)
  const script = join('examples', 'processor', 'processor.py')
  return watched(spawn('/usr/bin/python3', [script, url, shared], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Starts the example on the Distributor, which reconnects when RabbitMQ is back. */
export function startProcessor(url: string, group = ''): Promise<Processor> {
  const script = join('examples', 'processor', 'processor.ts')
  const env = { PATH: process.env['PATH'] ?? '' }
  return watched(spawnGuarded(process.execPath, ['--import', 'tsx', script, url, group], { env, output: 'pipe' }))
}

async function watched(child: ChildProcess): Promise<Processor> {
  const exited = once(child, 'exit')
  const lines = new Inbox<string>('a line of a processor')
  const printed: string[] = []
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  if (child.stdout)
    createInterface(child.stdout).on('line', (line) => {
      if (line.startsWith('in  ')) printed.push(line.slice(4))
      lines.push(line)
    })
  void exited.then(() => lines.end(new Error(`the processor has ended: ${errors}`)))
  await lines.nextMatching((line) => line === 'listening')
  return {
    printed,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await exited
    },
  }
}
