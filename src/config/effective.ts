import type { OptionOrigins } from './load/origins.ts'
import { type Option, variableOf } from './options/option.ts'
import { type Config, optionNames, options } from './options/options.ts'

/**
 * The effective configuration as lines of an environment file, each with its origin. Secrets are
 * masked.
 */
export function effectiveConfig(config: Config, origins: OptionOrigins): string {
  const lines = optionNames.map((name) => {
    const option: Option<unknown> = options[name]
    const value = config[name]
    return value === undefined
      ? [`# ${variableOf(name)}=`, option.unset ?? '']
      : [`${variableOf(name)}=${option.kind.print(value)}`, origins.get(name)?.by ?? '']
  })
  const width = Math.max(...lines.map(([setting = '']) => setting.length).filter((length) => length < 60))
  return lines.map(([setting = '', origin]) => `${setting.padEnd(width)}  # ${origin}\n`).join('')
}
