import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

// On Linux, setpriv has the kernel kill the child when its parent ends, also when the parent was
// killed (Ctrl-C, a time-out of CI). The setting survives exec, so it covers scripts that exec
// another program. Elsewhere a killed run leaves its children behind.
const setpriv = '/usr/bin/setpriv'

export interface GuardedOptions {
  /** The complete environment; the child inherits nothing. */
  readonly env: Readonly<Record<string, string>>
  /** The destination of both output streams: a file, nothing, or two pipes. */
  readonly output: number | 'ignore' | 'pipe'
}

/** Starts a program that ends when this process ends, for any reason. */
export function spawnGuarded(program: string, args: readonly string[], { env, output }: GuardedOptions): ChildProcess {
  const guarded = existsSync(setpriv)
  const [command = program, ...rest] = [...(guarded ? [setpriv, '--pdeathsig', 'KILL'] : []), program, ...args]
  // In its own session the process gets its own share of the CPU (sched(7), autogroup). Erlang's
  // schedulers yield so often that Linux 6.18, which charges for it, hardly runs them if another
  // process of the session is busy: RabbitMQ was silent for 10 s at a time. Without setpriv the
  // process stays in the session, so that Ctrl-C reaches it.
  return spawn(command, rest, { env: { ...env }, stdio: ['ignore', output, output], detached: guarded })
}
