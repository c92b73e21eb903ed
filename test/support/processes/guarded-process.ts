import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

// Linux can be asked to kill a child as soon as its parent is gone, also when the parent was killed
// itself (Ctrl-C, a time-out of CI). It survives exec, so a script that becomes another program is
// covered too. Elsewhere a killed run leaves its children behind.
const setpriv = '/usr/bin/setpriv'

export interface GuardedOptions {
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  /** Where both output streams go: a file, nowhere, or two pipes. */
  readonly output: number | 'ignore' | 'pipe'
}

/** Starts a program that ends when this process does, however this one ends. */
export function spawnGuarded(program: string, args: readonly string[], { env, output }: GuardedOptions): ChildProcess {
  const guarded = existsSync(setpriv)
  const [command = program, ...rest] = [...(guarded ? [setpriv, '--pdeathsig', 'KILL'] : []), program, ...args]
  // In a session of its own Linux gives it its share of the processors (sched(7), autogroup).
  // Erlang's schedulers yield so often that Linux 6.18, which charges for it, runs them next to
  // never beside whoever is busy in the same session: RabbitMQ was silent for 10 s at a time.
  // Unguarded it stays where Ctrl-C reaches it.
  return spawn(command, rest, { env: { ...env }, stdio: ['ignore', output, output], detached: guarded })
}
