import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from '../eventually.ts'
import { Inbox } from '../frames/inbox.ts'
import { freePort } from '../network/ports.ts'
import { newFolder, removeFolder } from '../processes/run-folder.ts'

export interface CheckoutShell extends AsyncDisposable {
  readonly port: number
  /** Starts a program that runs until it is asked to end. */
  start(command: string): ShellProgram
  /** The lines that a program prints, from its start. */
  lines(command: string): Inbox<string>
  /** Resolves to what the command printed; rejects if it failed. */
  run(command: string): Promise<string>
  /** Resolves when the gateway of the shell is ready. */
  ready(): Promise<void>
  /** Resolves when the transport, a label of the metric, has this many subscriptions. */
  subscribed(count?: number, transport?: string): Promise<void>
}

export interface ShellProgram {
  /** The lines that it prints, from its start. */
  readonly lines: Inbox<string>
  /** Sends SIGKILL to the program and to everything that it started. */
  kill(): Promise<void>
}

/** `npm start` compiles first. Long enough for a busy machine. */
const startMs = 150_000

// Sends SIGTERM and not SIGKILL when this process is gone, because npm passes it on to its child.
const guard = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'TERM'] : []

/**
 * Runs commands as a page shows them, in a checkout. Gateways that they start have free ports and a
 * data folder of their own. `env` is added to the environment; `folder` is the working directory.
 */
export async function checkoutShell({ env: added = {}, folder: cwd = '.' } = {}): Promise<CheckoutShell> {
  const folder = newFolder()
  const [port, opsPort] = [await freePort(), await freePort()]
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? folder,
    WARREN_PORT: String(port),
    WARREN_OPS_PORT: String(opsPort),
    WARREN_TCP_PORT: 'off',
    WARREN_DRAIN: '0s',
    WARREN_DATA_DIR: join(folder, 'data'),
    ...added,
  }
  const running: { readonly child: ChildProcess; readonly ended: Promise<unknown> }[] = []
  const spawned = (command: string) => {
    const [program, ...args] = [...guard, 'bash', '-c', command]
    // Its own process group, so that its children end with it.
    const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    const ended = once(child, 'close')
    running.push({ child, ended })
    return { child, ended }
  }
  const start = (command: string): ShellProgram => {
    const { child, ended } = spawned(command)
    const lines = new Inbox<string>(`the lines of ${command}`)
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint = (complaint + text).slice(-2_000)))
    createInterface(child.stdout).on('line', (line) => lines.push(line))
    void ended.then(() => lines.end(new Error(`${command} has ended: ${complaint}`)))
    return {
      lines,
      async kill() {
        signal(child, 'SIGKILL')
        await ended
      },
    }
  }
  const ops = (path: string) => fetch(`http://127.0.0.1:${opsPort}${path}`).catch(() => undefined)
  return {
    port,
    start,
    lines: (command) => start(command).lines,
    async run(command) {
      const { child, ended } = spawned(command)
      let [printed, complained] = ['', '']
      child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
      child.stderr.setEncoding('utf8').on('data', (text: string) => (complained += text))
      const [code] = (await ended) as [number | null]
      if (code !== 0) throw new Error(`${command}: exit status ${code}\n${complained}`)
      return printed
    },
    async ready() {
      await eventually('the gateway to be ready', async () => (await ops('/readyz'))?.status === 200, {
        withinMs: startMs,
        everyMs: 200,
      })
    },
    async subscribed(count = 1, transport = 'graphql-ws') {
      const sample = `warren_subscriptions{transport="${transport}"} ${count}\n`
      const isCounted = async () => (await (await ops('/metrics'))?.text())?.includes(sample)
      await eventually(`${count} subscriptions`, isCounted, { everyMs: 200 })
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of running) signal(child, 'SIGTERM')
      await Promise.all(running.map(({ ended }) => ended))
      removeFolder(folder)
    },
  }
}

/** To the whole process group, unless its first process has ended. */
function signal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) process.kill(-child.pid, name)
}
