import { variableOf } from './options/option.ts'
import { type Config, optionNames, options } from './options/options.ts'

export interface Reload {
  /** What holds from now on: the old configuration with what may change as the new one has it. */
  readonly config: Config
  /** The variables of what has changed, and of what would need a restart to change. */
  readonly changed: readonly string[]
  readonly needsRestart: readonly string[]
}

export function reload(old: Config, now: Config): Reload {
  const different = optionNames.filter((name) => JSON.stringify(old[name]) !== JSON.stringify(now[name]))
  const changed = different.filter((name) => options[name].reload)
  return {
    config: { ...old, ...Object.fromEntries(changed.map((name) => [name, now[name]])) },
    changed: changed.map(variableOf),
    needsRestart: different.filter((name) => !options[name].reload).map(variableOf),
  }
}
