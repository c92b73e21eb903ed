import { variableOf } from './options/option.ts'
import { type Config, optionNames, options } from './options/options.ts'

export interface Reload {
  /** The new effective configuration: the old one with the new values of reloadable options. */
  readonly config: Config
  /** The variables that changed, and the changed variables that need a restart. */
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
