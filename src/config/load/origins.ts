import { type Config, type OptionName, optionNames } from '../options/options.ts'

/** `derived`: the program has set it, from other options or from the machine. */
export type Origin = 'flag' | 'environment' | 'file' | 'default' | 'derived'

/** Where the value of an option came from. */
export interface OptionOrigin {
  readonly by: Origin
  /** The flag or variable, as it was written. Undefined for a default and for a derived value. */
  readonly givenAs?: string
  /** The file that holds the value. */
  readonly file?: string
}

export type OptionOrigins = ReadonlyMap<OptionName, OptionOrigin>

/** Beside the configurations, so that a `Config` has values only. */
const originsByConfig = new WeakMap<Config, OptionOrigins>()

export function keepOrigins(config: Config, origins: OptionOrigins): void {
  originsByConfig.set(config, origins)
}

/** Where the values of a configuration came from. Empty for one that was not loaded, and a copy. */
export function originsOf(config: Config): OptionOrigins {
  return originsByConfig.get(config) ?? new Map()
}

/** The configuration with options that the program sets itself. */
export function withOptions(config: Config, changes: Partial<Config>): Config {
  const changed = { ...config, ...changes }
  const origins = new Map(originsOf(config))
  for (const name of optionNames) if (name in changes) origins.set(name, { by: 'derived' })
  keepOrigins(changed, origins)
  return changed
}
