/** The CPUs of the server and of the load, and processes that end with the run. */
import { type ChildProcess, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { constants, cpus, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { spawnGuarded } from '../test/support/processes/guarded-process.ts'

const taskset = '/usr/bin/taskset'
const pins = cpus().length > 1 && existsSync(taskset)
const serverCore = 0
const loadCore = 1

/** The command that runs a program on the load's CPU. */
export function onLoadCore(program: string, args: readonly string[]): [string, string[]] {
  return pins ? [taskset, ['-c', String(loadCore), program, ...args]] : [program, [...args]]
}

/** Moves all threads of a running process to the server's CPU, or to the load's. */
export function pin(pid: number, core: 'server' | 'load'): void {
  if (!pins) return
  execFileSync(taskset, ['-acp', String(core === 'server' ? serverCore : loadCore), String(pid)], { stdio: 'ignore' })
}

/**
 * Runs the main thread of a process before those of other programs, if this user may do so. A
 * server that waits for a processor writes more messages at once, and takes less for each.
 */
export function prefer(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_HIGH)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error
  }
}

export function machineName(): string {
  const [first] = cpus()
  return `${cpus().length} processors (${first?.model ?? 'unknown'}), Node ${process.version}`
}

export function describeMachine(): string {
  return `${machineName()}; ${
    pins ? 'the server on one of them, load, publisher and broker on the other' : 'nothing pinned'
  }`
}

export interface Started {
  readonly pid: number
  /** The ports that it printed: its own, and the control port of its source. */
  readonly port: number
  readonly control: number
  stop(): Promise<void>
}

/** Starts a program that prints `listening <port> <control>` when it accepts clients. */
export async function startProgram(
  program: string,
  args: readonly string[],
  core: 'server' | 'load',
  env: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const { PATH = '', HOME = '', TMPDIR } = process.env
  const child = spawnGuarded(program, args, {
    env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
    output: 'pipe',
  })
  const errors: string[] = []
  child.stderr?.setEncoding('utf8').on('data', (text: string) => errors.push(text))
  const exited = once(child, 'close')
  const line = await Promise.race([listeningPorts(child), exited.then(() => undefined)])
  if (line === undefined) throw new Error(`${program} ${args.join(' ')} did not start: ${errors.join('')}`)
  const [port = 0, control = 0] = line
  const pid = child.pid ?? 0
  pin(pid, core)
  return {
    pid,
    port,
    control,
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** Keeps reading, so that the program never blocks on its output. */
function listeningPorts(child: ChildProcess): Promise<number[]> {
  return new Promise((resolve) => {
    createInterface({ input: child.stdout as Readable }).on('line', (line) => {
      const [word, ...numbers] = line.split(' ')
      if (word === 'listening') resolve(numbers.map(Number))
    })
  })
}

export function startNode(
  path: string,
  args: readonly string[],
  core: 'server' | 'load',
  env: Readonly<Record<string, string>> = {},
  node = process.execPath,
): Promise<Started> {
  return startProgram(node, ['--expose-gc', path, ...args], core, env)
}

/**
 * User and system time of a process so far, in microseconds (proc(5), fields 14 and 15, in ticks of
 * 10 ms).
 */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/**
 * Processor time of the threads that a process has now, in seconds. The kernel books it in
 * nanoseconds (`schedstat`), so that short slices can be compared.
 */
export function threadSecondsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`).map((id) =>
    readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'utf8'),
  )
  return threads.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0) / 1e9
}
