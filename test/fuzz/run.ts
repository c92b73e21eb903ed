import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rabbitMq4 } from '../support/rabbitmq/rabbitmq-4.ts'
import { targetNames } from './targets.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, merge: { type: 'boolean', default: false } },
})
const names = positionals.length > 0 ? positionals : targetNames
const unknown = names.find((name) => !targetNames.includes(name))
if (unknown !== undefined) throw new Error(`${unknown}: expected one of ${targetNames.join(', ')}`)

for (const name of names) await fuzzTarget(name)

/**
 * Fuzzes one target with jazzer.js. What it finds on the way stays in `.cache/fuzz`; `--merge` adds
 * to the corpus in the tree what reaches code that the corpus does not.
 */
async function fuzzTarget(name: string): Promise<void> {
  const corpus = join(folder, 'corpus', name)
  const found = join('.cache', 'fuzz', name)
  for (const each of [corpus, found]) mkdirSync(each, { recursive: true })
  const [command, ...before] = await node()
  const jazzer = fileURLToPath(import.meta.resolve('@jazzer.js/core'))
  const args = [
    ...before,
    '--import',
    'tsx',
    join(jazzer, '..', 'cli.js'),
    `./${join('test/fuzz', `${name}.js`)}`,
    ...(values.merge ? [corpus, found] : [found, corpus]),
    // They look for faults of other kinds, such as commands that an input injects.
    '--disableBugDetectors=.*',
    '--includes=src/',
    '--excludes=node_modules',
    ...(name === 'jwt' ? [] : ['--sync']),
    '--',
    `-artifact_prefix=${join('.cache', 'fuzz', `${name}-`)}`,
    '-max_len=2048',
    ...(values.merge ? ['-merge=1'] : [`-max_total_time=${values.seconds}`]),
  ]
  const child = spawn(command ?? '', args, { stdio: ['ignore', 'inherit', 'pipe'] })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-20_000)
  })
  const status = await new Promise((resolve) => child.on('close', resolve))
  const [, count, edges] = [...log.matchAll(/#(\d+)\t.* cov: (\d+) ft:/g)].at(-1) ?? []
  const corpusSize = readdirSync(corpus).length
  console.log(
    `${name}: ${count ?? '?'} executions in ${values.seconds} s, ${edges ?? '?'} edges, corpus ${corpusSize} files in the tree`,
  )
  if (status !== 0) {
    console.error(log.split('\n').slice(-60).join('\n'))
    process.exitCode = 1
  }
}

/**
 * jazzer.js is linked against glibc 2.38. On Debian 12, which has 2.36, Node.js runs with the
 * libraries of the Debian 13 that the tests of RabbitMQ 4 install (docs/testing.md).
 */
async function node(): Promise<readonly string[]> {
  const { glibcVersionRuntime = '0' } = (process.report.getReport() as { header: { glibcVersionRuntime?: string } })
    .header
  const [, minor = 0] = glibcVersionRuntime.split('.').map(Number)
  if (process.platform !== 'linux' || minor >= 38) return [process.execPath]
  const debian13 = await rabbitMq4()
  const { root } = debian13
  if (root === undefined)
    throw new Error(`fuzzing needs glibc 2.38, and this system has ${glibcVersionRuntime}: ${debian13.why}`)
  const loader = join(root, 'lib64', 'ld-linux-x86-64.so.2')
  return [loader, '--library-path', join(root, 'usr', 'lib', 'x86_64-linux-gnu'), process.execPath]
}
